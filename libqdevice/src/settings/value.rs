use crate::base::{Handover, KeepActivePartition, Millis};
use std::fmt;
use std::ops::RangeInclusive;

/// A type a setting can have.
pub trait Value: Sized {
    /// What a row of the table adds to the type: the range of a number, nothing for most.
    type Limits;

    /// The value `text` stands for, if it is one within the limits.
    fn parse(text: &str, limits: &Self::Limits) -> Option<Self>;

    /// The value as it would be typed.
    fn show(&self) -> String;

    /// What may be typed, for people; empty if any text.
    fn values(limits: &Self::Limits) -> String;
}

/// A whole number as C's `strtoll` reads it: leading white space and a sign are allowed, nothing may
/// follow. [C: utils.c, `utils_strtonum_base`]
#[must_use]
pub fn number(text: &str, radix: u32) -> Option<i64> {
    i64::from_str_radix(skip_white_space(text), radix).ok()
}

/// `yes`, `on`, `1`, `no`, `off` or `0` in any case. [C: utils.c, `utils_parse_bool_str`]
#[must_use]
pub fn bool_word(text: &str) -> Option<bool> {
    let is_one_of = |words: [&str; 3]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_one_of(["yes", "on", "1"]) {
        Some(true)
    } else if is_one_of(["no", "off", "0"]) {
        Some(false)
    } else {
        None
    }
}

macro_rules! whole_numbers {
    ($($type:ty),+) => {$(
        impl Value for $type {
            type Limits = RangeInclusive<Self>;

            fn parse(text: &str, limits: &Self::Limits) -> Option<Self> {
                let value = Self::try_from(number(text, 10)?).ok()?;
                limits.contains(&value).then_some(value)
            }

            fn show(&self) -> String {
                self.to_string()
            }

            fn values(limits: &Self::Limits) -> String {
                range(limits, *limits.end() >= i32::MAX.unsigned_abs().into())
            }
        }
    )+};
}
whole_numbers!(u32, u64);

impl Value for Millis {
    type Limits = RangeInclusive<u32>;

    fn parse(text: &str, limits: &Self::Limits) -> Option<Self> {
        u32::parse(text, limits).map(Self)
    }

    fn show(&self) -> String {
        self.0.show()
    }

    fn values(limits: &Self::Limits) -> String {
        u32::values(limits)
    }
}

impl Value for bool {
    type Limits = ();

    fn parse(text: &str, (): &()) -> Option<Self> {
        bool_word(text)
    }

    fn show(&self) -> String {
        if *self { "on" } else { "off" }.to_owned()
    }

    fn values((): &()) -> String {
        "on or off".to_owned()
    }
}

impl Value for KeepActivePartition {
    type Limits = ();

    fn parse(text: &str, (): &()) -> Option<Self> {
        Some(if bool_word(text)? {
            Self::Enabled
        } else {
            Self::Disabled
        })
    }

    fn show(&self) -> String {
        match self {
            Self::Enabled => "on",
            Self::Disabled => "off",
        }
        .to_owned()
    }

    fn values((): &()) -> String {
        bool::values(&())
    }
}

impl Value for Handover {
    type Limits = ();

    fn parse(text: &str, (): &()) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "safe" => Some(Self::Safe),
            "c" => Some(Self::AtOnce),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Safe => "safe",
            Self::AtOnce => "c",
        }
        .to_owned()
    }

    fn values((): &()) -> String {
        "safe or c".to_owned()
    }
}

impl Value for String {
    type Limits = ();

    fn parse(text: &str, (): &()) -> Option<Self> {
        Some(text.to_owned())
    }

    fn show(&self) -> String {
        self.clone()
    }

    fn values((): &()) -> String {
        Self::new()
    }
}

/// The permissions a new file does not get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Umask(pub u32);

impl Value for Option<Umask> {
    type Limits = ();

    /// The empty text leaves the process's umask alone.
    fn parse(text: &str, (): &()) -> Option<Self> {
        if text.is_empty() {
            return Some(None);
        }
        let bits = u32::try_from(number(text, 8)?).ok()?;
        (bits <= 0o777).then_some(Some(Umask(bits)))
    }

    fn show(&self) -> String {
        self.map_or_else(String::new, |Umask(bits)| format!("{bits:03o}"))
    }

    fn values((): &()) -> String {
        "0 to 777, or empty".to_owned()
    }
}

/// A group of the system, by number or by name.
///
/// Whether a group has the name is for the daemon to find out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Group {
    /// Its number.
    Id(u32),
    /// Its name.
    Name(String),
}

impl Value for Option<Group> {
    type Limits = ();

    /// The empty text, -1 and the number that is -1 in a `gid_t` leave the group alone.
    fn parse(text: &str, (): &()) -> Option<Self> {
        const LEAVE_ALONE: i64 = u32::MAX as i64;
        Some(match number(text, 10) {
            Some(-1 | LEAVE_ALONE) => None,
            Some(id) => {
                Some(u32::try_from(id).map_or_else(|_| Group::Name(text.into()), Group::Id))
            }
            None if text.is_empty() => None,
            None => Some(Group::Name(text.to_owned())),
        })
    }

    fn show(&self) -> String {
        match self {
            None => "-1".to_owned(),
            Some(Group::Id(id)) => id.to_string(),
            Some(Group::Name(name)) => name.clone(),
        }
    }

    fn values((): &()) -> String {
        "a name, a number or -1".to_owned()
    }
}

/// A factor with nine decimals, so that what holds it can be compared and hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Coefficient {
    billionths: u64,
}

impl Coefficient {
    /// The factor `thousandths` / 1000.
    #[must_use]
    pub const fn from_thousandths(thousandths: u32) -> Self {
        Self {
            billionths: thousandths as u64 * 1_000_000,
        }
    }

    /// The product in milliseconds, the fraction cut off.
    #[must_use]
    pub fn times(self, length: Millis) -> u64 {
        let product = u128::from(self.billionths) * u128::from(length.0) / 1_000_000_000;
        u64::try_from(product).unwrap_or(u64::MAX)
    }
}

impl Value for Coefficient {
    type Limits = RangeInclusive<u32>;

    /// Digits behind the ninth decimal are rounded away.
    fn parse(text: &str, limits: &Self::Limits) -> Option<Self> {
        let factor: f64 = skip_white_space(text).parse().ok()?;
        let range = f64::from(*limits.start())..=f64::from(*limits.end());
        if !range.contains(&factor) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range has just been checked; it is positive and far from 2^63"
        )]
        let billionths = (factor * 1e9).round() as u64;
        Some(Self { billionths })
    }

    fn show(&self) -> String {
        self.to_string()
    }

    fn values(limits: &Self::Limits) -> String {
        range(limits, false)
    }
}

impl fmt::Display for Coefficient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (
            self.billionths / 1_000_000_000,
            self.billionths % 1_000_000_000,
        );
        let text = format!("{whole}.{fraction:09}");
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// A range for people, to whom the greatest number of a type means nothing.
fn range<N: fmt::Display>(limits: &RangeInclusive<N>, is_open: bool) -> String {
    let (start, end) = (limits.start(), limits.end());
    if is_open {
        format!("{start} or more")
    } else {
        format!("{start} to {end}")
    }
}

/// What is left of `text` behind the white space that C's number readers skip.
fn skip_white_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_strtoll_does() {
        assert_eq!(number(" \t+42", 10), Some(42));
        assert_eq!(number("-1", 10), Some(-1));
        assert_eq!(number("017", 10), Some(17));
        for wrong in ["", " ", "42 ", "4x", "0x10", "+-1", "9223372036854775808"] {
            assert_eq!(number(wrong, 10), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_number_outside_its_range_is_no_value() {
        assert_eq!(u32::parse("1", &(1..=5)), Some(1));
        assert_eq!(u32::parse("5", &(1..=5)), Some(5));
        for wrong in ["0", "6", "-1", "4294967297"] {
            assert_eq!(u32::parse(wrong, &(1..=5)), None, "{wrong}");
        }
    }

    #[test]
    fn on_and_off_have_three_words_each_in_any_case() {
        assert!(
            ["yes", "ON", "1"]
                .iter()
                .all(|word| bool_word(word) == Some(true))
        );
        assert!(
            ["No", "off", "0"]
                .iter()
                .all(|word| bool_word(word) == Some(false))
        );
        assert!(
            ["", "true", "2", " on", "01"]
                .iter()
                .all(|word| bool_word(word).is_none())
        );
    }

    #[test]
    fn a_umask_is_octal_and_empty_means_none() {
        let parse = |text| <Option<Umask>>::parse(text, &());
        assert_eq!(parse("007"), Some(Some(Umask(7))));
        assert_eq!(parse("777"), Some(Some(Umask(0o777))));
        assert_eq!(parse(""), Some(None));
        for wrong in ["1000", "8", "-1", "rwx"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_group_is_a_number_or_a_name_and_minus_one_is_none() {
        let parse = |text| <Option<Group>>::parse(text, &()).unwrap();
        assert_eq!(parse("0"), Some(Group::Id(0)));
        assert_eq!(parse("nogroup"), Some(Group::Name("nogroup".into())));
        for leave_alone in ["", "-1", "4294967295"] {
            assert_eq!(parse(leave_alone), None, "{leave_alone}");
        }
        // Numbers out of range are looked up as names, and no group has such a name.
        for name in ["-2", "4294967296"] {
            assert_eq!(parse(name), Some(Group::Name(name.into())));
        }
    }

    #[test]
    fn a_coefficient_multiplies_and_cuts_off_the_fraction() {
        let parse = |text| Coefficient::parse(text, &(1..=1000));
        assert_eq!(parse("1.5").unwrap().times(Millis(120_000)), 180_000);
        assert_eq!(parse("1.5").unwrap().times(Millis(1)), 1);
        assert_eq!(parse("1.1").unwrap().times(Millis(1000)), 1100);
        assert_eq!(
            parse("1000").unwrap().times(Millis(u32::MAX)),
            4_294_967_295_000
        );
        assert_eq!(parse(" +1.5e1").unwrap().to_string(), "15");
        for wrong in ["", "0.999", "1000.1", "nan", "inf", "1.5x", "1,5"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
