//! How much is looked at at once: not so many SealedSecrets alone, but also not more of them than there is memory for.
//!
//! A small one never waits. Of the larger ones so many are in hand as fit together; a part of the room is for changes
//! alone, so that what somebody changes does not wait for what was there at the start, also where it waits here itself
//! already. Who waits here has a worker, so it is the queue that sees to it that neither a class nor a namespace has all of
//! them.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use super::object_name::ObjectName;
use crate::fair::Class;

const KIB: usize = 1024;
/// Up to this size a SealedSecret takes no room: as many as there are workers are little together.
const SMALL: u32 = 32;
/// The room for all, in KiB. While a SealedSecret is looked at, there are some copies of it, in several forms.
const FOR_ALL: u32 = 12 * 1024;
/// The room for changes alone. A larger change waits for the room for all.
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

    fn is_small(self) -> bool {
        self.0 <= SMALL
    }
}

/// How much memory a value takes. Objects are read no deeper than a stack allows.
fn bytes(value: &Value) -> usize {
    const VALUE: usize = size_of::<Value>();
    /// What the table of an object takes for each field: the place of its name, and its hash.
    const FIELD: usize = size_of::<String>() + 4 * size_of::<usize>();
    /// For so many fields there is room in the smallest table.
    const FEWEST: usize = 3;
    let inner = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(items) => {
            let unused = items.capacity() - items.len();
            unused * VALUE + items.iter().map(bytes).sum::<usize>()
        }
        Value::Object(fields) if fields.is_empty() => 0,
        Value::Object(fields) => {
            let unused = FEWEST.saturating_sub(fields.len());
            let each = fields.iter();
            let each = each.map(|(name, value)| FIELD + name.len() + bytes(value));
            unused * (FIELD + VALUE) + each.sum::<usize>()
        }
    };
    VALUE + inner
}

/// The room for the SealedSecrets that are looked at at once.
#[derive(Debug)]
pub(super) struct InHand {
    for_all: Semaphore,
    for_changes: Semaphore,
    /// Who waits for room.
    waiting: Mutex<HashMap<ObjectName, Arc<Notify>>>,
    heard: Mutex<()>,
}

/// The room of one SealedSecret, until this is dropped.
#[derive(Debug)]
pub(super) struct Room<'r>(#[expect(dead_code, reason = "it is held")] Option<SemaphorePermit<'r>>);

/// Nothing is looked at any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Closed;

/// One that waits for room, until this is dropped.
struct Waiting<'w> {
    in_hand: &'w InHand,
    name: &'w ObjectName,
    changed: Arc<Notify>,
}

impl InHand {
    /// Nothing is in hand.
    pub(super) fn new() -> Self {
        Self {
            for_all: Semaphore::new(FOR_ALL as usize),
            for_changes: Semaphore::new(FOR_CHANGES as usize),
            waiting: Mutex::default(),
            heard: Mutex::default(),
        }
    }

    /// Waits until there is room for a SealedSecret, and returns as what it has it. `wanted` says as what it is to be looked
    /// at and how large it is; it is asked again when that [changed](Self::changed). One that is larger than the room for
    /// all gets all of that.
    ///
    /// Only one may wait for each name. Whoever has room gives it back without asking for more, so that this ends.
    pub(super) async fn room(
        &self,
        name: &ObjectName,
        wanted: impl Fn() -> (Class, Size),
    ) -> Result<(Room<'_>, Class), Closed> {
        let (class, size) = wanted();
        if size.is_small() {
            return Ok((Room(None), class));
        }
        let waiting = self.wait(name);
        // It may have changed before anybody knew who waits.
        let (mut class, mut size) = wanted();
        while !size.is_small() {
            let (mut for_all, mut for_changes) = (
                pin!(self.for_all.acquire_many(size.0.min(FOR_ALL))),
                pin!(self.for_changes.acquire_many(size.0.min(FOR_CHANGES))),
            );
            // Whoever was changed keeps its place, where what it waits for is enough.
            let mut is_enough = true;
            while is_enough {
                let is_for_changes = class == Class::Change && size.0 <= FOR_CHANGES;
                let permit = tokio::select! {
                    biased;
                    permit = &mut for_changes, if is_for_changes => permit,
                    permit = &mut for_all => permit,
                    () = waiting.changed.notified() => {
                        let (as_what, now) = wanted();
                        class = class.min(as_what);
                        is_enough = now <= size && !now.is_small()
                            && (now.0 <= FOR_CHANGES) == (size.0 <= FOR_CHANGES);
                        if !is_enough {
                            size = now;
                        }
                        continue;
                    }
                };
                let permit = permit.map_err(|_| Closed)?;
                return Ok((Room(Some(permit)), class));
            }
        }
        Ok((Room(None), class))
    }

    /// A SealedSecret was changed. Where it waits for room, it goes on waiting as what it is now.
    pub(super) fn changed(&self, name: &ObjectName) {
        if let Some(waiting) = self.waiting().get(name) {
            waiting.notify_one();
        }
    }

    /// Held while a SealedSecret that was heard of is taken apart, whose text has this length: of the large ones one at a
    /// time.
    pub(super) fn heard(&self, length: usize) -> Option<MutexGuard<'_, ()>> {
        let is_large = length > SMALL as usize * KIB;
        is_large.then(|| self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends it: who waits gets nothing any more.
    pub(super) fn close(&self) {
        self.for_all.close();
        self.for_changes.close();
    }

    fn wait<'w>(&'w self, name: &'w ObjectName) -> Waiting<'w> {
        let changed = Arc::new(Notify::new());
        self.waiting().insert(name.clone(), Arc::clone(&changed));
        Waiting {
            in_hand: self,
            name,
            changed,
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<ObjectName, Arc<Notify>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.in_hand.waiting().remove(self.name);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use tokio::time::timeout;

    use super::*;

    /// Waits for the room of one that does not change.
    async fn wait(in_hand: &InHand, class: Class, kib: u32) -> Result<Room<'_>, Closed> {
        let name = ObjectName::new("prod", "db");
        let room = in_hand.room(&name, || (class, Size(kib))).await;
        room.map(|(room, as_what)| {
            assert_eq!(as_what, class);
            room
        })
    }

    /// The room, where there is some now.
    async fn room(in_hand: &InHand, class: Class, kib: u32) -> Option<Room<'_>> {
        let room = timeout(Duration::from_secs(60), wait(in_hand, class, kib)).await;
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
        let mut waiting = Box::pin(wait(&in_hand, Class::Backlog, FOR_ALL));
        assert!(futures::poll!(&mut waiting).is_pending());
        let change = room(&in_hand, Class::Change, FOR_CHANGES).await;
        assert!(change.is_some());
        assert!(room(&in_hand, Class::Change, SMALL).await.is_some());
        // Where its own part is taken, it has its turn among all.
        let mut other = Box::pin(wait(&in_hand, Class::Change, FOR_CHANGES));
        assert!(futures::poll!(&mut other).is_pending());
        drop(held);
        drop(waiting.await);
        assert!(other.await.is_ok());
        drop(change);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_changed_while_it_waits_does_so_as_a_change_of_the_size_that_it_has_now() {
        let in_hand = InHand::new();
        let name = ObjectName::new("prod", "changed");
        // Its sizes, and whether it has room then.
        let changes = [
            (vec![FOR_CHANGES], true),
            (vec![SMALL], true),
            (vec![FOR_CHANGES + 1], false),
            (vec![FOR_CHANGES + 1, FOR_CHANGES], true),
            (vec![FOR_ALL, FOR_CHANGES + 1, 2 * SMALL], true),
            (vec![FOR_ALL, SMALL], true),
        ];
        for (sizes, has_room) in changes {
            let held = room(&in_hand, Class::Backlog, FOR_ALL).await;
            let wanted = Mutex::new((Class::Backlog, Size(2 * SMALL)));
            let now = || *wanted.lock().expect("nobody panics with it");
            let mut waiting = Box::pin(in_hand.room(&name, now));
            assert!(futures::poll!(&mut waiting).is_pending());
            in_hand.changed(&name);
            assert!(futures::poll!(&mut waiting).is_pending(), "not changed");
            let mut outcome = None;
            for kib in &sizes {
                assert!(outcome.is_none(), "{sizes:?}");
                *wanted.lock().expect("nobody panics with it") = (Class::Change, Size(*kib));
                in_hand.changed(&name);
                if let std::task::Poll::Ready(room) = futures::poll!(&mut waiting) {
                    outcome = Some(room.expect("it is open").1);
                    break;
                }
            }
            assert_eq!(outcome, has_room.then_some(Class::Change), "{sizes:?}");
            drop(held);
            if !has_room {
                let (room, class) = waiting.await.expect("it is open");
                assert_eq!(class, Class::Change);
                drop(room);
            }
            assert!(in_hand.waiting().is_empty());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_changed_all_the_time_keeps_its_place() {
        let in_hand = InHand::new();
        let held = room(&in_hand, Class::Backlog, FOR_ALL).await;
        let name = ObjectName::new("prod", "changed");
        let large = || (Class::Change, Size(FOR_ALL));
        let mut changed = Box::pin(in_hand.room(&name, large));
        assert!(futures::poll!(&mut changed).is_pending());
        let mut later = Box::pin(wait(&in_hand, Class::Backlog, FOR_ALL));
        assert!(futures::poll!(&mut later).is_pending());
        in_hand.changed(&name);
        assert!(futures::poll!(&mut changed).is_pending());
        drop(held);
        assert!(futures::poll!(&mut later).is_pending());
        assert!(futures::poll!(&mut changed).is_ready());
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_that_is_larger_than_the_room_for_changes_waits_for_the_room_for_all() {
        let in_hand = InHand::new();
        let held = room(&in_hand, Class::Backlog, FOR_ALL).await;
        assert!(
            room(&in_hand, Class::Change, FOR_CHANGES + 1)
                .await
                .is_none()
        );
        drop(held);
        let held = room(&in_hand, Class::Change, FOR_CHANGES + 1).await;
        assert!(held.is_some());
        assert!(room(&in_hand, Class::Backlog, FOR_ALL).await.is_none());
        assert!(room(&in_hand, Class::Change, FOR_CHANGES).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_larger_than_all_room_is_looked_at_alone() {
        let in_hand = InHand::new();
        for class in Class::ALL {
            let small = room(&in_hand, Class::Backlog, SMALL + 1).await;
            let mut largest = Box::pin(wait(&in_hand, Class::Backlog, u32::MAX));
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
        let mut waiting = Box::pin(wait(&in_hand, Class::Drift, SMALL + 1));
        assert!(futures::poll!(&mut waiting).is_pending());
        in_hand.close();
        assert_eq!(waiting.await.map(drop), Err(Closed));
        drop(held);
    }

    #[test]
    fn a_size_is_what_is_in_memory_whatever_the_form_of_the_text() {
        let text = json!({"spec": {"encryptedData": {"a": "x".repeat(100 * KIB)}}});
        assert_eq!(Size::of(&text), Size(102));
        // Two bytes of text each.
        let nothings = Value::Array(vec![json!(0); 100 * KIB]);
        assert!(
            Size::of(&nothings) > Size(3_000),
            "{:?}",
            Size::of(&nothings)
        );
        // An array of one has room for four, where it was read.
        let nested = format!("[{}0]", "[0],".repeat(KIB));
        let nested: Value = serde_json::from_str(&nested).expect("it is JSON");
        assert!(Size::of(&nested) > Size(4 * 72), "{:?}", Size::of(&nested));
        let fields: serde_json::Map<String, Value> = (0..KIB)
            .map(|number| (number.to_string(), Value::Null))
            .collect();
        assert!(Size::of(&fields.into()) > Size(64));
    }
}
