use std::hash::{Hash, Hasher};
use std::ops::{Deref, DerefMut};

/// What a state machine keeps only to show it: nothing is decided by it.
///
/// Two states that differ in nothing else are the same state, and have the same hash.
#[derive(Debug, Clone, Default)]
pub struct Aside<T>(T);

impl<T> Aside<T> {
    /// Keeps `value` aside.
    pub const fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for Aside<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Aside<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> PartialEq for Aside<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> Eq for Aside<T> {}

impl<T> Hash for Aside<T> {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_only_shown_makes_no_difference() {
        let (mut one, two) = (Aside::new(1), Aside::new(2));
        assert_eq!(one, two);
        *one += 1;
        assert_eq!(*one, 2);
    }
}
