use super::split;

/// One setting: its name, its meaning, and the way to its field.
#[derive(Debug)]
pub struct Spec<S: 'static> {
    /// The name; compared without regard to case.
    pub name: &'static str,
    /// What it is good for, one sentence.
    pub help: &'static str,
    /// What it may be, for people; empty if any text.
    pub values: fn() -> String,
    /// Changes the setting; `None` when the text is no value of it.
    pub set: fn(&mut S, &str) -> Option<()>,
    /// The present value as it would be typed.
    pub show: fn(&S) -> String,
}

/// A name that is still accepted and no longer does anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Option '{0}' is deprecated and has no effect anymore")]
pub struct Deprecated(pub String);

/// Why an argument of `-S` is refused; the text is the daemon's error message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No setting has this name.
    #[error("Unknown option '{0}'")]
    Unknown(String),
    /// The setting cannot have this value.
    #[error("Invalid value '{value}' for option '{name}'")]
    Invalid {
        /// The name as it was typed.
        name: String,
        /// The value as it was typed.
        value: String,
    },
}

/// A set of settings declared by the `settings!` macro.
pub trait Settings: Sized + 'static {
    /// Every setting, in the order of the manual page.
    const TABLE: &'static [Spec<Self>];
    /// Names of the past.
    const DEPRECATED: &'static [&'static str];

    /// Takes over the argument of one `-S`, from left to right.
    ///
    /// # Errors
    ///
    /// The first entry that cannot be taken over; entries before it have been.
    fn apply(&mut self, argument: &str) -> Result<Vec<Deprecated>, SettingsError> {
        let mut deprecated = Vec::new();
        for (name, value) in split(argument) {
            if let Some(spec) = Self::TABLE
                .iter()
                .find(|spec| spec.name.eq_ignore_ascii_case(name))
            {
                (spec.set)(self, value).ok_or_else(|| SettingsError::Invalid {
                    name: name.to_owned(),
                    value: value.to_owned(),
                })?;
            } else if Self::DEPRECATED
                .iter()
                .any(|old| old.eq_ignore_ascii_case(name))
            {
                deprecated.push(Deprecated(name.to_owned()));
            } else {
                return Err(SettingsError::Unknown(name.to_owned()));
            }
        }
        Ok(deprecated)
    }
}

/// Declares a struct of settings with its defaults and its table.
///
/// A row is `/// meaning`, then `name: Type = default;` or `name: Type = default, limits;`. The limits
/// are what the type's [`Value`](super::Value) wants, a range for numbers. Everything else (parser,
/// manual page, tests) reads the table, so a new setting takes no more than its row.
macro_rules! settings {
    (
        $(#[$meta:meta])*
        $vis:vis struct $settings:ident {
            $(
                $(#[doc = $help:literal])+
                $field:ident: $type:ty = $default:expr $(, $limits:expr)?;
            )+
        }
        deprecated: [$($old:ident),*];
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        $vis struct $settings {
            $( $(#[doc = $help])+ $vis $field: $type, )+
        }

        impl Default for $settings {
            fn default() -> Self {
                Self { $($field: $default),+ }
            }
        }

        impl $crate::settings::Settings for $settings {
            const TABLE: &'static [$crate::settings::Spec<Self>] = &[$(
                $crate::settings::Spec {
                    name: stringify!($field),
                    help: concat!($($help),+).trim_ascii(),
                    values: || {
                        let limits = $crate::settings::settings!(@limits $($limits)?);
                        <$type as $crate::settings::Value>::values(&limits)
                    },
                    set: |settings, text| {
                        let limits = $crate::settings::settings!(@limits $($limits)?);
                        settings.$field = $crate::settings::Value::parse(text, &limits)?;
                        Some(())
                    },
                    show: |settings| $crate::settings::Value::show(&settings.$field),
                },
            )+];
            const DEPRECATED: &'static [&'static str] = &[$(stringify!($old)),*];
        }
    };
    (@limits) => { () };
    (@limits $limits:expr) => { $limits };
}
pub(crate) use settings;

#[cfg(test)]
mod tests {
    use super::*;

    settings! {
        /// Two settings and a memory.
        struct Example {
            /// How many.
            count: u32 = 3, 1..=9;
            /// Whether
            /// at all.
            wanted: bool = false;
        }
        deprecated: [tally];
    }

    #[test]
    fn names_are_found_in_any_case_and_the_last_value_holds() {
        let mut example = Example::default();
        assert_eq!(example.apply("COUNT=4,count=5,Wanted=on"), Ok(vec![]));
        assert_eq!(
            example,
            Example {
                count: 5,
                wanted: true
            }
        );
    }

    #[test]
    fn an_error_repeats_what_was_typed() {
        let mut example = Example::default();
        let unknown = example.apply("Foo=1").unwrap_err();
        assert_eq!(unknown.to_string(), "Unknown option 'Foo'");
        let invalid = example.apply("Count=10").unwrap_err();
        assert_eq!(invalid.to_string(), "Invalid value '10' for option 'Count'");
        assert_eq!(example, Example::default());
    }

    #[test]
    fn a_deprecated_name_is_reported_and_the_list_goes_on() {
        let mut example = Example::default();
        let deprecated = example.apply("Tally=7,count=4").unwrap();
        let texts: Vec<String> = deprecated.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            ["Option 'Tally' is deprecated and has no effect anymore"]
        );
        assert_eq!(example.count, 4);
    }

    #[test]
    fn a_row_tells_what_the_setting_may_be() {
        let values: Vec<String> = Example::TABLE.iter().map(|spec| (spec.values)()).collect();
        assert_eq!(values, ["1 to 9", "on or off"]);
    }

    #[test]
    fn the_help_is_the_doc_comment() {
        let help: Vec<&str> = Example::TABLE.iter().map(|spec| spec.help).collect();
        assert_eq!(help, ["How many.", "Whether at all."]);
    }
}
