/// Splits the argument of one `-S` into names and values. [C: dynar-getopt-lex.c]
///
/// A name ends at `=` or `,`, a value at `,`: a value may contain `=` but never `,`. A name without
/// `=` has the empty value. An empty name ends the list silently.
pub fn split(argument: &str) -> impl Iterator<Item = (&str, &str)> {
    argument
        .split(',')
        .map(|entry| entry.split_once('=').unwrap_or((entry, "")))
        .take_while(|(name, _)| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(argument: &str) -> Vec<(&str, &str)> {
        split(argument).collect()
    }

    #[test]
    fn entries_are_separated_by_commas_and_a_value_keeps_its_equals_signs() {
        assert_eq!(pairs("a=1,b=x=y"), [("a", "1"), ("b", "x=y")]);
    }

    #[test]
    fn a_name_alone_has_the_empty_value() {
        assert_eq!(pairs("a,b="), [("a", ""), ("b", "")]);
    }

    #[test]
    fn an_empty_name_ends_the_list() {
        assert_eq!(pairs(",foo=1"), []);
        assert_eq!(pairs("a=1,,foo=1"), [("a", "1")]);
        assert_eq!(pairs("a=1,=5,foo=1"), [("a", "1")]);
        assert_eq!(pairs(""), []);
    }

    #[test]
    fn white_space_belongs_to_names_and_values() {
        assert_eq!(pairs(" a = 1 "), [(" a ", " 1 ")]);
    }
}
