//! `docs/differences.md` tells of every difference the tester expects, and names tests that exist.

use differential::judge::names;
use std::fs;
use std::path::Path;

/// The rows of all tables: their cells.
fn rows() -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join("docs/differences.md")).expect("the list is there");
    text.lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| No."))
        .map(|line| {
            let cells = line.trim_matches('|').split('|');
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("two folders below the top")
}

#[test]
fn every_difference_that_the_tester_expects_is_told_of() {
    let rows = rows();
    let told = |name: &str| {
        rows.iter()
            .any(|cells| cells[0].split(", ").any(|no| no == name))
    };
    let missing: Vec<_> = names().into_iter().filter(|name| !told(name)).collect();
    assert!(
        missing.is_empty(),
        "not in docs/differences.md: {missing:?}"
    );
}

#[test]
fn every_test_that_guards_a_difference_exists() {
    let with_test: Vec<_> = rows()
        .into_iter()
        .filter(|cells| cells.len() == 4)
        .collect();
    assert!(with_test.len() > 20, "the tables are not understood");
    for cells in with_test {
        let (file, test) = cells[3].split_once("`: ").expect("`file`: test");
        let path = root().join(file.trim_start_matches('`'));
        let source = fs::read_to_string(&path).unwrap_or_default();
        let marks = [format!("fn {test}("), format!("case {test}")];
        assert!(
            marks.iter().any(|mark| source.contains(mark)),
            "{}: there is no test '{test}' in {}",
            cells[0],
            path.display()
        );
    }
}

#[test]
fn every_number_has_one_row() {
    let rows = rows();
    let mut numbers: Vec<&str> = rows.iter().flat_map(|cells| cells[0].split(", ")).collect();
    numbers.sort_unstable();
    let twice: Vec<_> = numbers
        .windows(2)
        .filter(|pair| pair[0] == pair[1])
        .collect();
    assert!(twice.is_empty(), "{twice:?}");
}
