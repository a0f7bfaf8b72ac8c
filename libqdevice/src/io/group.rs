use crate::settings::{Group, SettingsError};
use std::io;

/// The number of the group that `local_socket_gid` has been set to; `None` leaves the group alone.
///
/// `name` and `value` are the entry of `-S` as it was typed. [C: utils.c, `utils_get_group_gid`]
pub fn socket_group(
    group: Option<&Group>,
    name: &str,
    value: &str,
) -> Result<Option<u32>, SettingsError> {
    let Some(group) = group else { return Ok(None) };
    let invalid = || SettingsError::Invalid {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    // A list of groups that cannot be read has no such group either.
    let found = group_id(group).unwrap_or_default();
    found.map(Some).ok_or_else(invalid)
}

/// The number of a group of the system; `None` if no group has the name.
fn group_id(group: &Group) -> io::Result<Option<u32>> {
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
    fn a_group_that_does_not_exist_is_an_invalid_value() {
        let group = Group::Name("no such group".into());
        let refused = socket_group(Some(&group), "Local_Socket_GID", "no such group");
        let text = "Invalid value 'no such group' for option 'Local_Socket_GID'";
        assert_eq!(refused.unwrap_err().to_string(), text);
        assert_eq!(socket_group(None, "local_socket_gid", "-1"), Ok(None));
    }

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
