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
    // Four of the sixteen are kept for the classes above, and half of the others for other namespaces.
    assert_eq!(take_all(), 6);
    queue.add(name("b/1"), Class::Backlog);
    assert_eq!(next(&queue), Some(("b/1".to_owned(), Class::Backlog)));
    for namespace in 0..100 {
        queue.add(name(&format!("{namespace}/x")), Class::Backlog);
    }
    assert_eq!(take_all(), 5);
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
