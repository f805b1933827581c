//! In which order work is done where there is more of it than can be done at once. Pure.
//!
//! Work is of a [`Class`] and of a namespace. The more urgent class goes first, but for one turn in eight, which goes to
//! the classes below, so that none waits for ever. Within a class it is the turn of the namespace for which least was
//! done, whatever the number of its objects; within a namespace, of who came first.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// One turn in so many goes to a less urgent class, where work of one waits.
const SHARE: u32 = 8;
/// So many namespaces without waiting work are remembered before those that owe nothing are forgotten.
const REMEMBERED: usize = 64;

/// Why there is work, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Class {
    /// Somebody made or changed a SealedSecret.
    Change,
    /// A Secret was changed or went.
    Drift,
    /// A SealedSecret was there at the start, or waits for a key that came.
    Backlog,
    /// Why a SealedSecret does not open is to be found out.
    Diagnosis,
}

impl Class {
    /// All of them, the most urgent first.
    pub(crate) const ALL: [Self; 4] = [Self::Change, Self::Drift, Self::Backlog, Self::Diagnosis];

    /// Its name in metrics and logs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Drift => "drift",
            Self::Backlog => "backlog",
            Self::Diagnosis => "diagnosis",
        }
    }

    /// Its place among all.
    pub(crate) fn place(self) -> usize {
        match self {
            Self::Change => 0,
            Self::Drift => 1,
            Self::Backlog => 2,
            Self::Diagnosis => 3,
        }
    }
}

/// What waits, by class and namespace. Each entry has a number, which says who came first and by which it is taken back.
#[derive(Debug)]
pub(crate) struct Fair<T> {
    lanes: [Lane<T>; 4],
    /// How many turns a class had in a row while work of a less urgent one waited.
    turns: [u32; 4],
}

/// Whose turn it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Turn<T> {
    pub(crate) class: Class,
    pub(crate) number: u64,
    pub(crate) entry: T,
    /// Whether more urgent work waits, and this has its share nevertheless.
    pub(crate) is_share: bool,
}

#[derive(Debug)]
struct Lane<T> {
    namespaces: HashMap<String, Namespace<T>>,
    /// The namespaces with waiting work, the one for which least was done first.
    order: BTreeSet<(u64, String)>,
    /// What had been done for the namespace that had the last turn: who comes newly has no credit from before.
    clock: u64,
    /// With so many namespaces it is seen which may be forgotten. It doubles with those that may not, so that this costs
    /// little for each.
    most: usize,
}

#[derive(Debug)]
struct Namespace<T> {
    done: u64,
    waiting: BTreeMap<u64, T>,
}

impl<T> Fair<T> {
    /// Nothing waits.
    pub(crate) fn new() -> Self {
        Self {
            lanes: [(); 4].map(|()| Lane::new()),
            turns: [0; 4],
        }
    }

    /// Adds an entry. `number` is its own.
    pub(crate) fn add(&mut self, class: Class, namespace: &str, number: u64, entry: T) {
        self.lanes[class.place()].add(namespace, number, entry);
    }

    /// Takes an entry back.
    pub(crate) fn remove(&mut self, class: Class, namespace: &str, number: u64) -> Option<T> {
        self.lanes[class.place()].remove(namespace, number)
    }

    /// Gives the turn to one of a class that `is_open`, and there to a namespace that `may` have it. The latter is asked of
    /// one namespace after the other, so it may only be false for a few, however many wait.
    pub(crate) fn take(
        &mut self,
        is_open: impl Fn(Class) -> bool,
        may: impl Fn(Class, &str) -> bool,
    ) -> Option<Turn<T>> {
        let ready: Vec<(Class, String)> = Class::ALL
            .into_iter()
            .filter(|class| is_open(*class))
            .filter_map(|class| {
                let namespace = self.lanes[class.place()].first(|name| may(class, name))?;
                Some((class, namespace.to_owned()))
            })
            .collect();
        let mut skipped = 0;
        for (class, _) in ready.iter().take(ready.len().saturating_sub(1)) {
            let turns = &mut self.turns[class.place()];
            *turns += 1;
            if *turns < SHARE {
                break;
            }
            *turns = 0;
            skipped += 1;
        }
        let (class, namespace) = ready.get(skipped)?;
        let (number, entry) = self.lanes[class.place()].take_first(namespace)?;
        Some(Turn {
            class: *class,
            number,
            entry,
            is_share: skipped > 0,
        })
    }

    /// More was done for a namespace than the one unit that a turn counts for.
    pub(crate) fn charge(&mut self, class: Class, namespace: &str, cost: u64) {
        self.lanes[class.place()].charge(namespace, cost);
    }

    /// Whether something waits that is more urgent than `class`.
    pub(crate) fn has_more_urgent(&self, class: Class) -> bool {
        self.lanes[..class.place()]
            .iter()
            .any(|lane| !lane.order.is_empty())
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.iter().all(|lane| lane.order.is_empty())
    }

    /// What waits in a class.
    pub(crate) fn waiting(&self, class: Class) -> impl Iterator<Item = &T> {
        let namespaces = self.lanes[class.place()].namespaces.values();
        namespaces.flat_map(|namespace| namespace.waiting.values())
    }
}

impl<T> Lane<T> {
    fn new() -> Self {
        Self {
            namespaces: HashMap::new(),
            order: BTreeSet::new(),
            clock: 0,
            most: REMEMBERED,
        }
    }

    fn add(&mut self, namespace: &str, number: u64, entry: T) {
        let clock = self.clock;
        let name = namespace.to_owned();
        let namespace = self.namespaces.entry(name.clone()).or_insert(Namespace {
            done: clock,
            waiting: BTreeMap::new(),
        });
        if namespace.waiting.is_empty() {
            namespace.done = namespace.done.max(clock);
            self.order.insert((namespace.done, name));
        }
        namespace.waiting.insert(number, entry);
    }

    fn first(&self, may: impl Fn(&str) -> bool) -> Option<&str> {
        let mut names = self.order.iter().map(|(_, name)| name.as_str());
        names.find(|name| may(name))
    }

    fn take_first(&mut self, name: &str) -> Option<(u64, T)> {
        let namespace = self.namespaces.get_mut(name)?;
        let taken = namespace.waiting.pop_first()?;
        self.clock = self.clock.max(namespace.done);
        self.charge(name, 1);
        Some(taken)
    }

    fn remove(&mut self, name: &str, number: u64) -> Option<T> {
        let removed = self.namespaces.get_mut(name)?.waiting.remove(&number);
        self.forget_idle(name);
        removed
    }

    fn charge(&mut self, name: &str, cost: u64) {
        let clock = self.clock;
        let namespace = self.namespaces.entry(name.to_owned()).or_insert(Namespace {
            done: clock,
            waiting: BTreeMap::new(),
        });
        let before = namespace.done;
        namespace.done = before.max(clock).saturating_add(cost);
        if self.order.remove(&(before, name.to_owned())) {
            self.order.insert((namespace.done, name.to_owned()));
        }
        self.forget_idle(name);
    }

    /// A namespace for which nothing waits has no turn; what was done for it stays known while that is more than for others.
    fn forget_idle(&mut self, name: &str) {
        let Some(namespace) = self.namespaces.get(name) else {
            return;
        };
        if namespace.waiting.is_empty() {
            self.order.remove(&(namespace.done, name.to_owned()));
        }
        if self.order.is_empty() {
            self.namespaces.clear();
            self.most = REMEMBERED;
        } else if self.namespaces.len() > 2 * self.order.len() + self.most {
            let clock = self.clock;
            self.namespaces
                .retain(|_, one| !one.waiting.is_empty() || one.done > clock);
            let idle = self.namespaces.len() - self.order.len();
            self.most = 2 * idle + REMEMBERED;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASS: Class = Class::Change;

    /// The namespaces that have the next turns.
    fn take(fair: &mut Fair<&'static str>, turns: usize) -> Vec<&'static str> {
        let turns = (0..turns).map_while(|_| fair.take(|_| true, |_, _| true));
        turns.map(|turn| turn.entry).collect()
    }

    fn add(fair: &mut Fair<&'static str>, namespace: &'static str, numbers: std::ops::Range<u64>) {
        for number in numbers {
            fair.add(CLASS, namespace, number, namespace);
        }
    }

    #[test]
    fn who_comes_newly_has_no_credit_from_before_and_who_went_owes_what_was_done_for_him() {
        let mut fair = Fair::new();
        add(&mut fair, "a", 0..200);
        assert_eq!(take(&mut fair, 100), ["a"; 100]);
        add(&mut fair, "b", 200..210);
        let next = take(&mut fair, 6);
        assert_eq!(next.iter().filter(|name| **name == "b").count(), 3);
        // More is done for c than it had turns, and it goes and comes again.
        add(&mut fair, "c", 300..301);
        while take(&mut fair, 1) != ["c"] {}
        fair.charge(CLASS, "c", 50);
        add(&mut fair, "c", 301..302);
        let next = take(&mut fair, 40);
        assert!(next.contains(&"b") && !next.contains(&"c"), "{next:?}");
        assert!(take(&mut fair, 70).contains(&"c"));
    }

    #[test]
    fn a_turn_goes_past_those_that_may_not_have_it() {
        let mut fair = Fair::new();
        add(&mut fair, "a", 0..2);
        add(&mut fair, "b", 2..3);
        fair.add(Class::Diagnosis, "c", 3, "c");
        let of = |turn: Option<Turn<&'static str>>| turn.map(|turn| (turn.entry, turn.is_share));
        assert_eq!(
            of(fair.take(|_| true, |_, name| name != "a")),
            Some(("b", false))
        );
        assert_eq!(
            of(fair.take(|class| class > CLASS, |_, _| true)),
            Some(("c", false))
        );
        assert_eq!(of(fair.take(|_| true, |_, _| false)), None);
        assert_eq!(fair.waiting(CLASS).count(), 2);
    }

    #[test]
    fn namespaces_that_went_are_forgotten() {
        let mut fair = Fair::new();
        fair.add(CLASS, "stays", 0, 0);
        for number in 1..10_000 {
            let name = format!("n{number}");
            fair.add(CLASS, &name, number, number);
            fair.remove(CLASS, &name, number);
        }
        assert!(fair.lanes[0].namespaces.len() <= REMEMBERED + 2);
        assert!(fair.remove(CLASS, "stays", 0).is_some());
        assert!(fair.is_empty() && fair.lanes[0].namespaces.is_empty());
    }

    #[test]
    fn what_is_done_for_a_namespace_without_a_turn_is_forgotten_where_nobody_waits() {
        let mut fair = Fair::<()>::new();
        for number in 0..1000 {
            fair.charge(Class::Diagnosis, &format!("n{number}"), 1);
        }
        assert!(fair.lanes[Class::Diagnosis.place()].namespaces.is_empty());
    }

    #[test]
    fn a_turn_asks_about_few_namespaces_however_many_wait() {
        let asked = std::cell::Cell::new(0);
        let mut fair = Fair::new();
        for number in 0..10_000 {
            fair.add(CLASS, &format!("{number:05}"), number, number);
        }
        // No worker is free for the class.
        let may = |_: Class, _: &str| {
            asked.set(asked.get() + 1);
            false
        };
        assert_eq!(fair.take(|class| class != CLASS, may), None);
        assert_eq!(asked.get(), 0);
        // One is, and those that have their part already do not get it.
        let turn = fair.take(
            |_| true,
            |_, name| {
                asked.set(asked.get() + 1);
                name >= "00030"
            },
        );
        assert_eq!(turn.map(|turn| turn.entry), Some(30));
        assert_eq!(asked.get(), 31);
    }
}
