use crate::settings::Group;
use std::io;

/// The number of a group of the system; `None` if no group has the name.
pub fn group_id(group: &Group) -> io::Result<Option<u32>> {
    match group {
        Group::Id(id) => Ok(Some(*id)),
        Group::Name(name) => {
            let found = nix::unistd::Group::from_name(name).map_err(io::Error::from)?;
            Ok(found.map(|group| group.gid.as_raw()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_and_a_number_is_taken_as_it_is() {
        assert_eq!(group_id(&Group::Name("root".into())).unwrap(), Some(0));
        assert_eq!(
            group_id(&Group::Name("no such group".into())).unwrap(),
            None
        );
        assert_eq!(group_id(&Group::Id(12345)).unwrap(), Some(12345));
    }
}
