use super::deny_list::DenyList;
use super::error::CertError;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// The list of revoked certificates beside the database in `dir`; an empty one where there is no file.
pub fn read_deny_list(dir: &Path) -> Result<DenyList, CertError> {
    let path = dir.join(DenyList::FILE);
    match fs::read(&path) {
        Ok(text) => DenyList::parse(&text).map_err(|fault| CertError::DenyList { path, fault }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(DenyList::default()),
        Err(error) => Err(CertError::file(path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::scratch::Scratch;

    #[test]
    fn no_file_is_an_empty_list_and_a_bad_line_is_named_with_its_file() {
        let dir = Scratch::new();
        assert_eq!(read_deny_list(&dir), Ok(DenyList::default()));
        fs::write(dir.join("revoked.txt"), "#\nx\n").unwrap();
        let refused = read_deny_list(&dir).unwrap_err().to_string();
        let expected = format!("{}/revoked.txt: line 2 does not", dir.display());
        assert!(refused.starts_with(&expected), "{refused}");
    }
}
