//! How much is looked at at once.

use tokio::task::JoinSet;

use super::*;

const MIB: usize = 1024 * 1024;

/// The cluster is told of a SealedSecret in a namespace of its own, with an item of so many bytes.
fn tell(cluster: &Cluster, name: &str, bytes: usize, class: Class) {
    let mut object = sealed(1);
    object["spec"]["encryptedData"]["large"] = "A".repeat(bytes).into();
    cluster.sealed_secret_seen(&ObjectName::new(name, name), object, class);
}

#[tokio::test(start_paused = true)]
async fn large_sealed_secrets_wait_until_there_is_room_and_a_change_does_not() {
    let (cluster, asked) = cluster(|_, _| NO_ANSWER);
    let mut workers = JoinSet::new();
    for _ in 0..8 {
        workers.spawn(Arc::clone(&cluster).work());
    }
    let begun = || count(&asked, "GET", "");
    for number in 0..6 {
        tell(
            &cluster,
            &format!("large-{number}"),
            5 * MIB,
            Class::Backlog,
        );
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(begun(), 2);
    tell(&cluster, "small", 10, Class::Change);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(count(&asked, "GET", "/sealedsecrets/small"), 1);
    tell(&cluster, "changed", 3 * MIB, Class::Change);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(count(&asked, "GET", "/sealedsecrets/changed"), 1);
    // Who waits ends when the controller does.
    cluster.queue.close();
    cluster.in_hand.close();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(begun(), 4);
    let ended = std::iter::from_fn(|| workers.try_join_next()).count();
    assert_eq!(ended, 8 - 4);
}

#[tokio::test(start_paused = true)]
async fn what_is_changed_while_it_waits_for_room_does_not_wait_for_what_was_there() {
    for bytes in [3 * MIB + 1, 10] {
        let (cluster, asked) = cluster(|_, _| NO_ANSWER);
        let mut workers = JoinSet::new();
        for _ in 0..8 {
            workers.spawn(Arc::clone(&cluster).work());
        }
        let names = ["a", "b", "c", "d"];
        for name in names {
            tell(&cluster, name, 5 * MIB, Class::Backlog);
        }
        sleep(Duration::from_secs(1)).await;
        let is_begun = |name: &&str| count(&asked, "GET", &format!("/sealedsecrets/{name}")) == 1;
        assert_eq!(names.iter().filter(|name| is_begun(name)).count(), 2);
        assert_eq!(cluster.queue.depths().map(|depth| depth.waiting), [0; 4]);
        let waiting = names.iter().rfind(|name| !is_begun(name));
        let waiting = waiting.expect("there is no room for all");
        tell(&cluster, waiting, bytes, Class::Change);
        sleep(Duration::from_secs(1)).await;
        assert!(is_begun(waiting), "{bytes}");
        assert_eq!(names.iter().filter(|name| is_begun(name)).count(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_would_fill_the_memory_is_refused() {
    let (cluster, asked) = cluster(|method, path| match (method, path) {
        ("GET", path) if path.ends_with("/sealedsecrets/db") => {
            let mut object = sealed(1);
            object["spec"]["template"]["metadata"]["x"] = vec![0; 200_000].into();
            (200, object)
        }
        (method, path) => usual(method, path),
    });
    cluster.sealed_secret_seen(&name(), sealed(1), Class::Change);
    work(&cluster, Duration::from_secs(1)).await;
    assert_eq!(count(&asked, "POST", "/secrets"), 0);
    let asked = asked.lock().expect("no test panics with it");
    let told = asked.iter().find(|(method, ..)| method == "PUT");
    let (_, path, status) = told.expect("its status is written");
    assert!(path.ends_with("/sealedsecrets/db/status"), "{path}");
    assert!(status.contains(r#""reason":"InvalidObject""#));
}

#[tokio::test(start_paused = true)]
async fn all_large_sealed_secrets_have_their_turn() {
    let (cluster, asked) = cluster(|_, _| failure(500, "InternalError", "no"));
    let mut workers = JoinSet::new();
    for _ in 0..8 {
        workers.spawn(Arc::clone(&cluster).work());
    }
    for number in 0..6 {
        tell(
            &cluster,
            &format!("large-{number}"),
            20 * MIB,
            Class::ALL[number % 3],
        );
    }
    sleep(Duration::from_millis(500)).await;
    for number in 0..6 {
        let path = format!("/sealedsecrets/large-{number}");
        assert_eq!(count(&asked, "GET", &path), 1, "{number}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_waited_for_room_is_not_looked_at_where_that_is_not_right_any_more() {
    let (cluster, asked) = cluster(usual);
    let all = Size::of(&"A".repeat(20 * MIB).into());
    let other = ObjectName::new("other", "other");
    let held = cluster.in_hand.room(&other, || (Class::Backlog, all)).await;
    let worker = tokio::spawn(Arc::clone(&cluster).work());
    tell(&cluster, "large", MIB, Class::Backlog);
    sleep(Duration::from_secs(1)).await;
    cluster.sealed_secrets_known.send_replace(false);
    drop(held);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(count(&asked, "GET", ""), 0);
    cluster.sealed_secrets_known.send_replace(true);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(count(&asked, "GET", "/sealedsecrets/large"), 1);
    worker.abort();
}
