//! How much is looked at at once: not so many SealedSecrets alone, but also not more of them than there is memory for.
//!
//! A small one never waits. Of the larger ones so many are in hand as fit together; a part of the room is for changes
//! alone, so that what somebody changes does not wait for what was there at the start. Who waits here has a worker, so it
//! is the queue that sees to it that neither a class nor a namespace has all of them.

use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::fair::Class;

const KIB: usize = 1024;
/// Up to this size a SealedSecret takes no room: as many as there are workers are little together.
const SMALL: u32 = 32;
/// The room for all, in KiB. While a SealedSecret is looked at, there are some copies of it, in several forms.
const FOR_ALL: u32 = 12 * 1024;
/// The room for changes alone.
const FOR_CHANGES: u32 = 4 * 1024;

/// The size of an object, in KiB of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Size(u32);

impl Size {
    /// Of an object as it is read.
    pub(super) fn of(object: &Value) -> Self {
        let kib = bytes(object).div_ceil(KIB);
        Self(u32::try_from(kib).unwrap_or(u32::MAX))
    }
}

/// How much memory a value takes. Objects are read no deeper than a stack allows.
fn bytes(value: &Value) -> usize {
    /// What the table of an object takes for each field: the place of its name, and its hash.
    const FIELD: usize = size_of::<String>() + 4 * size_of::<usize>();
    let inner = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(bytes).sum(),
        Value::Object(fields) => {
            let fields = fields.iter();
            let each = fields.map(|(name, value)| FIELD + name.len() + bytes(value));
            each.sum()
        }
    };
    size_of::<Value>() + inner
}

/// The room for the SealedSecrets that are looked at at once.
#[derive(Debug)]
pub(super) struct InHand {
    for_all: Semaphore,
    for_changes: Semaphore,
}

/// The room of one SealedSecret, until this is dropped.
#[derive(Debug)]
pub(super) struct Room<'r>(#[expect(dead_code, reason = "it is held")] Option<SemaphorePermit<'r>>);

/// Nothing is looked at any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Closed;

impl InHand {
    /// Nothing is in hand.
    pub(super) fn new() -> Self {
        Self {
            for_all: Semaphore::new(FOR_ALL as usize),
            for_changes: Semaphore::new(FOR_CHANGES as usize),
        }
    }

    /// Waits until there is room for a SealedSecret of this size. One that is larger than all of it gets all of it.
    ///
    /// Whoever has room gives it back without asking for more, so that this ends.
    pub(super) async fn room(&self, class: Class, size: Size) -> Result<Room<'_>, Closed> {
        if size.0 <= SMALL {
            return Ok(Room(None));
        }
        let for_all = self.for_all.acquire_many(size.0.min(FOR_ALL));
        let permit = if class == Class::Change {
            let for_changes = self.for_changes.acquire_many(size.0.min(FOR_CHANGES));
            tokio::select! {
                biased;
                permit = for_changes => permit,
                permit = for_all => permit,
            }
        } else {
            for_all.await
        };
        permit.map(|permit| Room(Some(permit))).map_err(|_| Closed)
    }

    /// Ends it: who waits gets nothing any more.
    pub(super) fn close(&self) {
        self.for_all.close();
        self.for_changes.close();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use tokio::time::timeout;

    use super::*;

    /// The room, where there is some now.
    async fn room(in_hand: &InHand, class: Class, kib: u32) -> Option<Room<'_>> {
        let room = timeout(Duration::from_secs(60), in_hand.room(class, Size(kib))).await;
        room.ok().map(|room| room.expect("it is open"))
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_is_in_hand_than_there_is_room_for_and_small_ones_never_wait() {
        let in_hand = InHand::new();
        let large = FOR_ALL / 2;
        let first = room(&in_hand, Class::Backlog, large).await;
        let second = room(&in_hand, Class::Drift, large).await;
        assert!(first.is_some() && second.is_some());
        for class in [Class::Drift, Class::Backlog, Class::Diagnosis] {
            assert!(room(&in_hand, class, SMALL + 1).await.is_none());
            assert!(room(&in_hand, class, SMALL).await.is_some());
        }
        drop(first);
        assert!(room(&in_hand, Class::Backlog, large).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_does_not_wait_for_what_was_there_nor_behind_what_waits_for_it() {
        let in_hand = InHand::new();
        let held = room(&in_hand, Class::Backlog, FOR_ALL - SMALL).await;
        let mut waiting = Box::pin(in_hand.room(Class::Backlog, Size(FOR_ALL)));
        assert!(futures::poll!(&mut waiting).is_pending());
        let change = room(&in_hand, Class::Change, FOR_CHANGES).await;
        assert!(change.is_some());
        assert!(room(&in_hand, Class::Change, SMALL).await.is_some());
        // Where its own part is taken, it has its turn among all.
        let mut other = Box::pin(in_hand.room(Class::Change, Size(FOR_CHANGES)));
        assert!(futures::poll!(&mut other).is_pending());
        drop(held);
        drop(waiting.await);
        assert!(other.await.is_ok());
        drop(change);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_larger_than_all_room_is_looked_at_alone() {
        let in_hand = InHand::new();
        for class in Class::ALL {
            let small = room(&in_hand, Class::Backlog, SMALL + 1).await;
            let mut largest = Box::pin(in_hand.room(Class::Backlog, Size(u32::MAX)));
            assert!(futures::poll!(&mut largest).is_pending());
            drop(small);
            let largest = largest.await.expect("it is open");
            assert!(room(&in_hand, Class::Backlog, SMALL + 1).await.is_none());
            drop(largest);
            assert!(room(&in_hand, class, u32::MAX).await.is_some());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_when_it_is_closed_waits_no_longer_and_what_is_given_up_takes_no_room() {
        let in_hand = InHand::new();
        let held = room(&in_hand, Class::Backlog, FOR_ALL).await;
        assert!(room(&in_hand, Class::Backlog, FOR_ALL).await.is_none());
        drop(held);
        let held = room(&in_hand, Class::Backlog, FOR_ALL).await;
        let mut waiting = Box::pin(in_hand.room(Class::Drift, Size(SMALL + 1)));
        assert!(futures::poll!(&mut waiting).is_pending());
        in_hand.close();
        assert_eq!(waiting.await.map(drop), Err(Closed));
        drop(held);
    }

    #[test]
    fn a_size_is_what_is_in_memory_whatever_the_form_of_the_text() {
        let text = json!({"spec": {"encryptedData": {"a": "x".repeat(100 * KIB)}}});
        assert_eq!(Size::of(&text), Size(101));
        // Two bytes of text each.
        let nothings = Value::Array(vec![json!(0); 100 * KIB]);
        assert!(
            Size::of(&nothings) > Size(3_000),
            "{:?}",
            Size::of(&nothings)
        );
        let fields: serde_json::Map<String, Value> = (0..KIB)
            .map(|number| (number.to_string(), Value::Null))
            .collect();
        assert!(Size::of(&fields.into()) > Size(64));
    }
}
