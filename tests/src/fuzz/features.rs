//! What runs of a target showed, coarsely. An input that shows something new is worth changing further, as coverage
//! would tell if stable programs could see their own.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

/// The features that inputs showed so far, by their hashes.
#[derive(Debug, Default)]
pub struct Features {
    known: HashSet<u64>,
    news: usize,
}

impl Features {
    /// Notes that the running input shows a feature: a place in the target, with what came of it there.
    pub fn note(&mut self, feature: impl Hash) {
        let mut hasher = DefaultHasher::new();
        feature.hash(&mut hasher);
        self.news += usize::from(self.known.insert(hasher.finish()));
    }

    /// Whether anything new was noted since this was asked last.
    pub(super) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_is_new_once() {
        let mut features = Features::default();
        assert!(!features.take_news());
        features.note(("error", "no bracket"));
        features.note(("error", "no quote"));
        assert!(features.take_news());
        features.note(("error", "no bracket"));
        assert!(!features.take_news());
    }
}
