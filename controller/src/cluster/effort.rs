//! What may be spent on SealedSecrets that do not open: whoever may create them must not keep the processors busy.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// The private-key operations that were spent on failing SealedSecrets, by namespace and minute.
#[derive(Debug)]
pub(super) struct Effort {
    /// So many of them are made in a namespace before the others wait for the next minute.
    most: u64,
    spent: HashMap<String, Spent>,
}

#[derive(Debug)]
struct Spent {
    /// When the minute began.
    since: Instant,
    operations: u64,
}

impl Effort {
    pub(super) fn new(most: u64) -> Self {
        Self {
            most,
            spent: HashMap::new(),
        }
    }

    /// How many operations may still be made in this minute.
    pub(super) fn left(&self, namespace: &str, now: Instant) -> u64 {
        let spent = self.spent(namespace, now);
        self.most - spent.map_or(0, |spent| spent.operations.min(self.most))
    }

    /// How long to wait until more may be made; none where some may now.
    pub(super) fn wait(&self, namespace: &str, now: Instant) -> Option<Duration> {
        let spent = self.spent(namespace, now)?;
        let is_used_up = spent.operations >= self.most;
        is_used_up.then(|| spent.since + MINUTE - now)
    }

    /// So many operations were made for a SealedSecret that does not open. Whether they were the last ones of this minute.
    pub(super) fn spend(&mut self, namespace: &str, operations: u64, now: Instant) -> bool {
        if operations == 0 {
            return false;
        }
        let left = self.left(namespace, now);
        if self.spent(namespace, now).is_none() {
            self.spent
                .retain(|_, spent| now.duration_since(spent.since) < MINUTE);
        }
        let spent = self.spent.entry(namespace.to_owned()).or_insert(Spent {
            since: now,
            operations: 0,
        });
        spent.operations = spent.operations.saturating_add(operations);
        left > 0 && operations >= left
    }

    /// What was spent in the minute that goes on.
    fn spent(&self, namespace: &str, now: Instant) -> Option<&Spent> {
        let spent = self.spent.get(namespace);
        spent.filter(|spent| now.duration_since(spent.since) < MINUTE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_has_so_many_operations_a_minute_and_takes_none_from_another() {
        let mut effort = Effort::new(10);
        let begun = Instant::now();
        assert_eq!(effort.left("a", begun), 10);
        assert!(!effort.spend("a", 0, begun));
        assert!(!effort.spend("a", 9, begun));
        assert_eq!(effort.left("a", begun), 1);
        assert_eq!(effort.wait("a", begun), None);
        let later = begun + Duration::from_secs(20);
        assert!(effort.spend("a", 5, later));
        assert!(!effort.spend("a", 5, later));
        assert_eq!(effort.left("a", later), 0);
        assert_eq!(effort.wait("a", later), Some(Duration::from_secs(40)));
        assert_eq!(effort.left("b", later), 10);
        assert_eq!(effort.wait("b", later), None);

        let next = begun + MINUTE;
        assert_eq!(effort.wait("a", next), None);
        assert_eq!(effort.left("a", next), 10);
        assert!(!effort.spend("b", 1, next));
        assert_eq!(effort.spent.len(), 1, "what is over is forgotten");
    }
}
