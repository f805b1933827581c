use std::sync::Arc;

use proptest::prelude::*;
use tokio::time::{advance, pause};

use super::*;

/// A name `namespace/name`, or one in a namespace of all.
fn name(text: &str) -> ObjectName {
    let (namespace, name) = text.split_once('/').unwrap_or(("all", text));
    ObjectName::new(namespace, name)
}

fn queue() -> Queue {
    Queue::new(64)
}

/// What comes next, in the same text; none where nothing is due that may go.
fn next(queue: &Queue) -> Option<(String, Class)> {
    match queue.state().take(Instant::now()) {
        Look::Work(name, class) => Some((text(&name), class)),
        Look::Wait(_) | Look::Closed => None,
    }
}

fn text(name: &ObjectName) -> String {
    match name.namespace.as_str() {
        "all" => name.name.clone(),
        _ => name.to_string(),
    }
}

/// All that is due, each done before the next one is taken.
fn one_after_the_other(queue: &Queue) -> Vec<String> {
    std::iter::from_fn(|| {
        let (text, _) = next(queue)?;
        queue.done(&name(&text));
        Some(text)
    })
    .collect()
}

#[test]
fn a_name_comes_once_however_often_it_was_asked_for() {
    let queue = queue();
    for text in ["a", "b", "a"] {
        queue.add(name(text), Class::Change);
    }
    assert_eq!(one_after_the_other(&queue), ["a", "b"]);
}

#[test]
fn what_is_asked_for_during_the_work_comes_again_in_the_more_urgent_class_and_never_at_the_same_time()
 {
    let queue = queue();
    queue.add(name("a"), Class::Backlog);
    assert_eq!(next(&queue), Some(("a".to_owned(), Class::Backlog)));
    for class in [Class::Drift, Class::Change, Class::Diagnosis] {
        queue.add(name("a"), class);
        assert_eq!(next(&queue), None);
    }
    queue.done(&name("a"));
    assert_eq!(next(&queue), Some(("a".to_owned(), Class::Change)));
    queue.done(&name("a"));
    assert_eq!(next(&queue), None);
}

#[tokio::test(start_paused = true)]
async fn an_earlier_wish_wins_over_a_later_one() {
    let queue = queue();
    let after = |text, seconds| {
        let wait = Duration::from_secs(seconds);
        queue.add_after(name(text), Class::Change, wait);
    };
    after("slow", 60);
    after("slow", 5);
    after("slow", 90);
    after("slower", 6);
    let begun = Instant::now();
    assert_eq!(queue.next().await, Some((name("slow"), Class::Change)));
    assert_eq!(begun.elapsed().as_secs(), 5);
    assert_eq!(queue.next().await, Some((name("slower"), Class::Change)));
    assert_eq!(begun.elapsed().as_secs(), 6);
}

#[test]
fn the_more_urgent_class_goes_first_and_one_turn_in_eight_goes_to_those_below() {
    let queue = queue();
    for number in 0..100 {
        for (letter, class) in ["c", "d", "b", "x"].into_iter().zip(Class::ALL) {
            queue.add(name(&format!("{letter}{number}")), class);
        }
    }
    let order = one_after_the_other(&queue);
    assert_eq!(order.len(), 400);
    let letters: String = order.iter().map(|name| &name[..1]).collect();
    assert_eq!(&letters[..16], "cccccccdcccccccd");
    // Of the turns that are left over, one in eight goes further down.
    assert_eq!(&letters[56..64], "cccccccb");
    let last = |letter| letters.rfind(letter).expect("all are there");
    assert!(last('c') < last('d') && last('d') < last('b') && last('b') < last('x'));
    // Nobody passes another one of the same class and namespace.
    let changes: Vec<_> = order.iter().filter(|name| name.starts_with('c')).collect();
    let expected: Vec<_> = (0..100).map(|number| format!("c{number}")).collect();
    assert!(changes.into_iter().eq(&expected));
}

#[test]
fn a_namespace_with_many_does_not_go_before_one_with_few() {
    let queue = queue();
    for number in 0..5000 {
        queue.add(name(&format!("many/{number}")), Class::Backlog);
    }
    queue.add(name("few/a"), Class::Backlog);
    queue.add(name("few/b"), Class::Backlog);
    queue.add(name("one/a"), Class::Backlog);
    let order = one_after_the_other(&queue);
    let place = |text: &str| order.iter().position(|name| name == text);
    for text in ["few/a", "one/a", "few/b"] {
        assert!(place(text) < Some(6), "{:?}", &order[..8]);
    }
    assert_eq!(order.len(), 5003);
}

#[test]
fn a_namespace_whose_objects_cost_more_has_its_turn_less_often() {
    let queue = queue();
    for number in 0..50 {
        queue.add(name(&format!("large/{number}")), Class::Change);
        queue.add(name(&format!("small/{number}")), Class::Change);
    }
    let mut taken = Vec::new();
    while let Some((text, class)) = next(&queue) {
        let name = name(&text);
        if name.namespace == "large" {
            queue.charge(class, "large", 9);
        }
        queue.done(&name);
        taken.push(name.namespace);
    }
    let larges = taken[..44].iter().filter(|name| *name == "large").count();
    assert_eq!(larges, 4, "{taken:?}");
}

#[test]
fn no_namespace_and_no_class_has_all_workers() {
    let queue = Queue::new(16);
    for number in 0..100 {
        queue.add(name(&format!("a/{number}")), Class::Backlog);
    }
    let take_all = || std::iter::from_fn(|| next(&queue)).count();
    // Six of the sixteen are kept for the other classes, and half of the others for other namespaces.
    assert_eq!(take_all(), 5);
    queue.add(name("b/1"), Class::Backlog);
    assert_eq!(next(&queue), Some(("b/1".to_owned(), Class::Backlog)));
    for namespace in 0..100 {
        queue.add(name(&format!("{namespace}/x")), Class::Backlog);
    }
    assert_eq!(take_all(), 4);
    // Somebody changes one of the namespace that has most already.
    queue.add(name("a/50"), Class::Change);
    assert_eq!(next(&queue), Some(("a/50".to_owned(), Class::Change)));
    queue.done(&name("a/50"));
    queue.add(name("c/1"), Class::Drift);
    assert_eq!(next(&queue), Some(("c/1".to_owned(), Class::Drift)));
    queue.done(&name("c/1"));
    // One that is done makes room for another.
    queue.done(&name("b/1"));
    assert_eq!(take_all(), 1);
}

#[test]
fn what_waits_moves_up_when_it_is_asked_for_more_urgently_and_never_down() {
    let queue = queue();
    for text in ["a", "b", "c"] {
        queue.add(name(text), Class::Backlog);
    }
    queue.add(name("c"), Class::Change);
    queue.add(name("c"), Class::Backlog);
    queue.add_after(name("c"), Class::Diagnosis, Duration::from_secs(9));
    assert_eq!(next(&queue), Some(("c".to_owned(), Class::Change)));
    assert_eq!(next(&queue), Some(("a".to_owned(), Class::Backlog)));
}

#[tokio::test(start_paused = true)]
async fn it_tells_how_many_are_due_by_class_and_for_how_long() {
    let queue = queue();
    queue.add(name("a"), Class::Backlog);
    advance(Duration::from_secs(2)).await;
    queue.add(name("b"), Class::Backlog);
    queue.add(name("c"), Class::Backlog);
    queue.add_after(name("d"), Class::Change, Duration::from_secs(9));
    // What moves up has waited nevertheless.
    queue.add(name("a"), Class::Drift);
    advance(Duration::from_secs(1)).await;
    let depth = |class, waiting, seconds| Depth {
        class,
        waiting,
        oldest: Duration::from_secs(seconds),
    };
    let expected = [
        depth(Class::Change, 0, 0),
        depth(Class::Drift, 1, 3),
        depth(Class::Backlog, 2, 1),
        depth(Class::Diagnosis, 0, 0),
    ];
    assert_eq!(queue.depths(), expected);
}

#[tokio::test]
async fn all_waiting_workers_end_when_it_is_closed() {
    let queue = Arc::new(queue());
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let queue = Arc::clone(&queue);
            tokio::spawn(async move { queue.next().await })
        })
        .collect();
    tokio::task::yield_now().await;
    queue.close();
    for worker in workers {
        assert_eq!(worker.await.expect("it does not panic"), None);
    }
}

#[tokio::test]
async fn several_workers_share_what_is_due() {
    pause();
    let queue = Arc::new(queue());
    let workers: Vec<_> = (0..3)
        .map(|_| {
            let queue = Arc::clone(&queue);
            tokio::spawn(async move { queue.next().await })
        })
        .collect();
    tokio::task::yield_now().await;
    for text in ["0", "1", "2"] {
        queue.add_after(name(text), Class::Change, Duration::from_secs(1));
    }
    advance(Duration::from_secs(2)).await;
    let mut names = Vec::new();
    for worker in workers {
        let work = worker.await.expect("it does not panic");
        names.extend(work.map(|(name, _)| name.name));
    }
    names.sort_unstable();
    assert_eq!(names, ["0", "1", "2"]);
}

/// What may happen to a queue.
#[derive(Debug, Clone)]
enum Happens {
    Asked(usize, Class, u64),
    Takes,
    Done(usize),
    Charged(usize, Class, u64),
    TimePasses(u64),
}

/// The names it happens to: three namespaces of three.
const NAMES: usize = 9;

fn nth(number: usize) -> ObjectName {
    ObjectName::new(format!("n{}", number / 3), format!("{}", number % 3))
}

fn happens() -> impl Strategy<Value = Happens> {
    let class = || (0..4usize).prop_map(|place| Class::ALL[place]);
    prop_oneof![
        (0..NAMES, class(), prop_oneof![Just(0u64), 0..5u64])
            .prop_map(|(name, class, wait)| Happens::Asked(name, class, wait)),
        Just(Happens::Takes),
        (0..NAMES).prop_map(Happens::Done),
        (0..NAMES, class(), 0..40u64)
            .prop_map(|(name, class, cost)| Happens::Charged(name, class, cost)),
        (1..4u64).prop_map(Happens::TimePasses),
    ]
}

/// What a queue should know of one name.
#[derive(Debug, Clone, Default)]
struct Model {
    wish: Option<(u64, Class)>,
    is_worked_on: bool,
}

proptest! {
    #[test]
    fn nothing_is_lost_or_done_twice_or_early_or_in_a_class_that_nobody_asked_for(
        events in proptest::collection::vec(happens(), 0..200),
    ) {
        let queue = queue();
        let begun = Instant::now();
        let mut now = 0;
        let mut models = vec![Model::default(); NAMES];
        let at = |seconds| begun + Duration::from_secs(seconds);
        let drain = [Happens::TimePasses(10)].into_iter().chain((0..NAMES).map(Happens::Done));
        let drain = drain.chain((0..NAMES).flat_map(|_| [Happens::Takes]));
        for event in events.into_iter().chain(drain) {
            match event {
                Happens::Asked(number, class, wait) => {
                    queue.state().add(nth(number), class, at(now + wait), at(now));
                    let wish = &mut models[number].wish;
                    let (due, urgent) = wish.unwrap_or((now + wait, class));
                    *wish = Some((due.min(now + wait), urgent.min(class)));
                }
                Happens::Takes => {
                    let due = |model: &Model| {
                        !model.is_worked_on && model.wish.is_some_and(|(due, _)| due <= now)
                    };
                    match queue.state().take(at(now)) {
                        Look::Work(name, class) => {
                            let number = (0..NAMES).find(|number| nth(*number) == name);
                            let model = &mut models[number.expect("it was asked for")];
                            prop_assert!(due(model), "{name} {model:?}");
                            prop_assert_eq!(model.wish.take().map(|(_, class)| class), Some(class));
                            model.is_worked_on = true;
                        }
                        Look::Wait(_) => prop_assert!(!models.iter().any(due), "{models:?}"),
                        Look::Closed => prop_assert!(false, "nobody closed it"),
                    }
                }
                Happens::Done(number) => {
                    if std::mem::take(&mut models[number].is_worked_on) {
                        queue.state().done(&nth(number), at(now));
                    }
                }
                Happens::Charged(number, class, cost) => {
                    queue.charge(class, &nth(number).namespace, cost);
                }
                Happens::TimePasses(seconds) => now += seconds,
            }
        }
        prop_assert!(models.iter().all(|model| model.wish.is_none()), "{models:?}");
    }
}

/// Some classes and namespaces with work without an end, of which one piece after the other is done.
#[derive(Debug, Clone)]
struct Busy {
    workers: usize,
    /// How many namespaces of each class have work without an end.
    namespaces: [usize; 4],
    /// How many waiting SealedSecrets each has.
    each: usize,
    /// Whose work is done next, by turns with the oldest.
    picks: Vec<usize>,
}

fn busy() -> impl Strategy<Value = Busy> {
    let some = || prop_oneof![Just(0usize), 1..4usize, 4..40usize];
    let namespaces = [some(), some(), some(), some()];
    let picks = proptest::collection::vec(0..1000usize, 8);
    (8..70usize, namespaces, 1..4usize, picks).prop_map(|(workers, namespaces, each, picks)| Busy {
        workers,
        namespaces,
        each,
        picks,
    })
}

/// A queue that is kept busy.
struct Mill {
    queue: Queue,
    busy: Busy,
    /// What is worked on, the oldest first.
    works: Vec<(ObjectName, Class)>,
    step: usize,
}

impl Mill {
    fn new(busy: Busy) -> Self {
        let queue = Queue::new(busy.workers);
        for class in Class::ALL {
            for namespace in 0..busy.namespaces[class.place()] {
                for number in 0..busy.each + busy.workers {
                    // The same namespaces in all classes.
                    let name = format!("n{namespace}/{}-{number}", class.as_str());
                    queue.add(name_of(&name), class);
                }
            }
        }
        Self {
            queue,
            busy,
            works: Vec::new(),
            step: 0,
        }
    }

    /// Takes one; where none may go, one that is worked on is done, and asked for again.
    fn step(&mut self) -> Option<ObjectName> {
        if let Look::Work(name, class) = self.queue.state().take(Instant::now()) {
            self.works.push((name.clone(), class));
            return Some(name);
        }
        self.step += 1;
        let pick = self.busy.picks[self.step % self.busy.picks.len()];
        let which = [0, pick % self.works.len().max(1)][self.step % 2];
        if !self.works.is_empty() {
            let (name, class) = self.works.remove(which);
            self.queue.done(&name);
            self.queue.add(name, class);
        }
        None
    }

    fn in_class(&self, class: Class) -> usize {
        self.works.iter().filter(|work| work.1 == class).count()
    }
}

fn name_of(text: &str) -> ObjectName {
    let (namespace, name) = text.split_once('/').expect("it has both");
    ObjectName::new(namespace, name)
}

proptest! {
    // Each is thousands of turns.
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn whatever_keeps_the_workers_busy_each_class_and_namespace_has_its_turn_and_none_has_all_workers(
        busy in busy(),
        place in 0..4usize,
        namespace in prop_oneof![Just("n0"), Just("n2"), Just("new")],
    ) {
        let workers = busy.workers;
        let mut mill = Mill::new(busy.clone());
        for _ in 0..20 * workers {
            mill.step();
            prop_assert!(mill.works.len() <= workers);
            for class in Class::ALL {
                prop_assert!(mill.in_class(class) < workers, "{class:?} has all");
            }
            if let Some((first, _)) = mill.works.first() {
                let of_it = mill.works.iter().filter(|work| work.0.namespace == first.namespace);
                prop_assert!(of_it.count() < workers, "{} has all", first.namespace);
            }
            let without = Class::ALL.into_iter().filter(|class| mill.in_class(*class) == 0);
            prop_assert!(without.count() <= workers - mill.works.len(), "{:?}", mill.works);
            let below = mill.works.len() - mill.in_class(Class::Change);
            prop_assert!(below <= workers - workers / 4, "no worker is kept for a change");
        }
        let class = Class::ALL[place];
        let waits = ObjectName::new(namespace, "waits");
        mill.queue.add(waits.clone(), class);
        let above = busy.namespaces[..place].iter().filter(|many| **many > 0).count();
        // The one of its class that is worked on is done after so many turns at the latest, and then one turn in eight is its.
        let a_turn = 3 * workers + 8usize.pow(u32::try_from(above).expect("it is small"));
        let before_it = if namespace == "new" { 0 } else { busy.each + workers };
        let most = 2 * (busy.namespaces[place] + 1) * (before_it + 1) * a_turn;
        let mut turns = 0;
        loop {
            match mill.step() {
                Some(name) if name == waits => break,
                Some(_) => turns += 1,
                None => {}
            }
            prop_assert!(turns <= most, "not within {most} turns: {:?}", mill.works);
        }
    }
}

#[test]
fn why_something_does_not_open_is_found_out_in_the_middle_of_a_start() {
    for namespaces in [1, 7, 40] {
        let queue = Queue::new(32);
        for namespace in 0..namespaces {
            for number in 0..2000 / namespaces {
                queue.add(name(&format!("n{namespace}/{number}")), Class::Backlog);
            }
        }
        let mut works = std::collections::VecDeque::new();
        let mut turns = 0;
        while let Some((text, class)) = next(&queue) {
            works.push_back((text, class));
        }
        queue.add(name("n0/broken"), Class::Diagnosis);
        while !works.contains(&("n0/broken".to_owned(), Class::Diagnosis)) {
            turns += 1;
            assert!(turns <= 8, "{namespaces} namespaces");
            if let Some(work) = next(&queue) {
                works.push_back(work);
            } else {
                let (done, _) = works.pop_front().expect("something is worked on");
                queue.done(&name(&done));
            }
        }
    }
}
