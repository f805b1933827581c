//! A leader that is stopped past its Lease, or cut off from the API server for as long, and then goes on, again and again
//! and under load: it writes nothing, follows, and knows soon what happened meanwhile.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use seal_tests::{
    cluster::{Asked, Controller, Fault, Proxy, seal, sealed_secret},
    control_plane::Api,
    long::rounds,
};
use serde_json::json;

use super::{Replicas, SUCCESSION, keys_made::is_work};
use crate::{
    history::{follow, text},
    random_moves::{Moves, seed},
    site::base64,
};

/// So many objects are changed all the time.
const OBJECTS: usize = 12;
/// The shortest that there is.
const LEASE: Duration = Duration::from_secs(3);
/// By when who goes on knows of what happened meanwhile. It is asked for every 300 ms whether the API server is there.
const KNOWS: Duration = Duration::from_secs(10);
/// Longer than a look at an object takes.
const IN_HAND: Duration = Duration::from_millis(100);
const A_MOMENT: Duration = Duration::from_secs(30);
const ASK_AGAIN: Duration = Duration::from_secs(6);
const LEADS: &str = "this replica leads lease=";
const LOST: &str = "this replica leads no longer";
const GLANCE: Duration = Duration::from_millis(20);
const A_WHILE: Duration = Duration::from_millis(800);

/// What keeps a leader from its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// It is stopped by a signal.
    Stopped,
    /// Its connections end, and it gets no other.
    CutOff,
    /// Nothing is said any more on the connections that it has and gets.
    InSilence,
}

#[test]
fn a_leader_that_is_stopped_past_its_lease_again_and_again_writes_nothing_when_it_goes_on() {
    let seed = seed();
    println!("seed {seed}");
    let seen = again_and_again(&[Trouble::Stopped], rounds(5, 30), seed);
    println!("{seen}");
}

#[test]
fn a_leader_that_is_cut_off_past_its_lease_again_and_again_writes_nothing_when_it_is_back() {
    let seed = seed();
    println!("seed {seed}");
    let troubles = [Trouble::CutOff, Trouble::InSilence];
    let seen = again_and_again(&troubles, rounds(2, 20), seed);
    println!("{seen}");
}

/// What was seen, in words.
fn again_and_again(troubles: &[Trouble], rounds: usize, seed: u64) -> String {
    let (replicas, proxies) = Replicas::apart(|setup| {
        let lease = format!("--lease-duration={}s", LEASE.as_secs());
        setup.args([lease, "--key-size=2048".to_owned()])
    });
    let mut random = Moves(seed);
    let load = Load {
        api: replicas.api(),
        apps: &replicas.apps,
        certificate: Mutex::new(replicas.certificate.clone()),
        is_over: AtomicBool::new(false),
    };
    let (mut stale, mut late_writes, mut undisturbed) = (Duration::ZERO, 0, 0);
    let (written, history) = thread::scope(|scope| {
        let mut moves = Moves(random.next());
        let writing = scope.spawn(|| load.run(move || moves.next()));
        let following = scope.spawn(|| load.follow());
        // What the test ends with must not wait for the load.
        let _end = End(&load.is_over);
        for round in 0..rounds {
            let leader = replicas.leader();
            let (one, other) = (&replicas.all[leader], &replicas.all[1 - leader]);
            let (way, trouble) = (&proxies[leader], troubles[round % troubles.len()]);
            thread::sleep(Duration::from_millis(random.next() % 1000));
            let lost = times(one, LOST);
            begin(trouble, one, way);
            let before_it = way.asked().len();
            other.wait_for_within(SUCCESSION, "the other one leads", |other| leads(other));
            // What it does not hear of: a key that is sealed with from now on.
            let before = certificate_of(other).expect("it serves one");
            let now = ask_for_key(other, &before);
            *load.certificate.lock().expect("no thread panicked") = now.clone();
            if trouble != Trouble::Stopped {
                // What is sealed with it is opened by every replica.
                assert_eq!(certificate_of(one), Some(before));
                one.wait_for("it knows that it may not lead", |one| {
                    (one.metric("seal_controller_leader") == Some(0.0)).then_some(())
                });
            }
            thread::sleep(Duration::from_millis(random.next() % 1000));
            let after_it = way.asked().len();
            let led = times(one, LEADS);
            let begun = Instant::now();
            match trouble {
                Trouble::Stopped => one.go_on(),
                Trouble::CutOff | Trouble::InSilence => way.behave(),
            }
            one.wait_for("it serves the new certificate", |one| {
                let served = certificate_of(one)?;
                (served == now || Some(served) == certificate_of(other)).then_some(())
            });
            stale = stale.max(begun.elapsed());
            assert!(stale < KNOWS, "round {round}, {trouble:?}: {stale:?}");
            one.wait_for("it follows", |one| (times(one, LOST) > lost).then_some(()));
            thread::sleep(A_WHILE);
            if times(one, LEADS) > led {
                // A machine that does other things at the same time held up the other one for as long as a Lease.
                continue;
            }
            undisturbed += 1;
            let asked = way.asked();
            let late: Vec<&Asked> = asked[after_it..]
                .iter()
                .filter(|asked| is_work(asked))
                .collect();
            late_writes += late.len();
            assert!(
                late.len() <= in_hand(&asked[..before_it]),
                "round {round}, {trouble:?}: {late:?}\n{}",
                one.tail()
            );
        }
        load.is_over.store(true, Ordering::Relaxed);
        (
            writing.join().expect("it does not panic"),
            following.join().expect("it does not panic"),
        )
    });
    assert!(
        2 * undisturbed >= rounds,
        "{undisturbed} of {rounds} rounds were undisturbed"
    );
    for (name, value) in &written {
        replicas.wait_for(name, value, SUCCESSION);
    }
    let leader = replicas.leader();
    replicas.all[leader].wait_for("no Secret is there without its SealedSecret", |_| {
        let all = replicas.api().get(&load.secrets()).body["items"].take();
        (all.as_array().map(Vec::len) == Some(written.len())).then_some(())
    });
    history.assert_nothing_newer_was_overwritten();
    format!(
        "{troubles:?}: {rounds} rounds, {undisturbed} of them undisturbed, {} Secrets were seen written; {late_writes} writes were on their way; the old certificate was served for {stale:?} at most",
        history.0.len(),
    )
}

fn begin(trouble: Trouble, one: &Controller<'_>, way: &Proxy) {
    match trouble {
        Trouble::Stopped => one.hold(),
        Trouble::CutOff => {
            way.misbehave(|_| Some(Fault::Close));
            way.cut(|_| true);
        }
        Trouble::InSilence => {
            way.misbehave(|_| Some(Fault::Silence));
            way.mute(|_| true);
        }
    }
}

/// Of how many objects something was asked for that may go on to a write: one that has passed the check is on its way.
fn in_hand(asked: &[Asked]) -> usize {
    let Some(last) = asked.last() else {
        return 0;
    };
    let recent = asked.iter().rev();
    let recent = recent.take_while(|asked| last.at.duration_since(asked.at) < IN_HAND);
    let names =
        recent.filter_map(|asked| asked.path.split('/').find(|part| part.starts_with("db-")));
    names.collect::<BTreeSet<_>>().len()
}

fn leads(replica: &Controller<'_>) -> Option<()> {
    (replica.metric("seal_controller_leader") == Some(1.0)).then_some(())
}

/// The certificate that one pod serves.
fn certificate_of(replica: &Controller<'_>) -> Option<String> {
    let pod = replica.pod();
    let path = format!(
        "/api/v1/namespaces/{}/pods/http:{}:8080/proxy/v1/cert.pem",
        pod.namespace(),
        pod.name()
    );
    let answer = pod.plane().api().get(&path);
    let text = answer.body.as_str().filter(|_| answer.status == 200);
    text.map(str::to_owned)
}

/// What the log says of keys and of the lead.
fn about_keys(replica: &Controller<'_>) -> String {
    let log = replica.log();
    let lines = log.lines().filter(|line| {
        [
            "New key",
            "new key",
            "audit: caller=\"signal\"",
            "registered private key",
            "lead",
            "keys changed",
        ]
        .iter()
        .any(|word| line.contains(word))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn times(replica: &Controller<'_>, said: &str) -> usize {
    replica.log().matches(said).count()
}

/// Asks for a key until there is one; its certificate.
#[track_caller]
fn ask_for_key(replica: &Controller<'_>, before: &str) -> String {
    let begun = Instant::now();
    while begun.elapsed() < A_MOMENT {
        let pid = i32::try_from(replica.pid()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("it has one"), Signal::USR1).expect("it runs");
        let asked = Instant::now();
        // It may not lead just then.
        while asked.elapsed() < ASK_AGAIN {
            if let Some(now) = certificate_of(replica).filter(|now| now != before) {
                return now;
            }
            thread::sleep(GLANCE);
        }
    }
    panic!("there is no new key\n{}", about_keys(replica));
}

/// What is changed meanwhile.
struct Load<'l> {
    api: &'l Api,
    apps: &'l str,
    certificate: Mutex<String>,
    is_over: AtomicBool,
}

impl Load<'_> {
    fn secrets(&self) -> String {
        format!("/api/v1/namespaces/{}/secrets", self.apps)
    }

    /// Makes and changes objects, and deletes and edits what came of them; which Secrets there have to be in the end.
    fn run(&self, mut random: impl FnMut() -> u64) -> BTreeMap<String, String> {
        let mut written = BTreeMap::new();
        for count in 0.. {
            if self.is_over.load(Ordering::Relaxed) {
                break;
            }
            let name = format!("db-{}", random() % OBJECTS as u64);
            let secret = format!("{}/{name}", self.secrets());
            match random() % 10 {
                0 => drop(self.api.delete(&secret)),
                1 => {
                    let edited = json!({"data": {"password": base64("edited")}});
                    self.api.patch(&secret, &edited);
                }
                2 => {
                    self.api.delete(&sealed_secret(self.apps, &name));
                    // Its Secret goes with it; this does what the garbage collector does later.
                    self.api.delete(&secret);
                    written.remove(&name);
                }
                _ => {
                    let certificate = self.certificate.lock().expect("no thread panicked");
                    let value = format!("value-{count}");
                    let sealed = seal(&certificate, self.apps, &name, &[("password", &value)]);
                    drop(certificate);
                    self.api.apply(&sealed);
                    written.insert(name, value);
                }
            }
            thread::sleep(Duration::from_millis(random() % 80));
        }
        written
    }

    /// All that became of the Secrets, without a gap.
    fn follow(&self) -> History {
        let mut events = Vec::new();
        follow(self.api, &self.secrets(), &self.is_over, |event| {
            let object = &event["object"];
            events.push(Event {
                is_deletion: event["type"] == "DELETED",
                name: text(&object["metadata"]["name"]).to_owned(),
                value: text(&object["data"]["password"]).to_owned(),
            });
        });
        History(events)
    }
}

/// What became of a Secret.
#[derive(Debug)]
struct Event {
    is_deletion: bool,
    name: String,
    value: String,
}

struct History(Vec<Event>);

impl History {
    /// Values have numbers that grow. One that was deleted is made anew of what was read before, at worst.
    fn assert_nothing_newer_was_overwritten(&self) {
        let mut newest: BTreeMap<&str, usize> = BTreeMap::new();
        for Event {
            is_deletion,
            name,
            value,
        } in &self.0
        {
            if *is_deletion {
                newest.remove(&**name);
                continue;
            }
            let Some(count) = number(value) else {
                continue;
            };
            let before = newest.insert(name, count).unwrap_or_default();
            assert!(before <= count, "{name}: {before}, then {count}");
        }
        assert!(newest.len() > 1, "{:?}", self.0.len());
    }
}

/// The number of a value; none of one that was edited by hand.
fn number(value: &str) -> Option<usize> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let value = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    value.strip_prefix("value-")?.parse().ok()
}

/// Ends the load, also where the test fails.
struct End<'e>(&'e AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
