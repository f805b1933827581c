//! A leader that is stopped past its Lease, or cut off from the API server for as long, and then goes on, again and again
//! and under load: it writes nothing, follows, and knows soon what happened meanwhile.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use rustix::process::{Pid, Signal, kill_process};
use seal_tests::{
    cluster::{Asked, Controller, Fault, Proxy, seal, sealed_secret},
    control_plane::Api,
    long::rounds,
};
use serde_json::{Value, json};

use super::{Replicas, SUCCESSION, keys_made::is_work};
use crate::site::base64;

/// So many objects are changed all the time.
const OBJECTS: usize = 12;
/// The shortest that there is.
const LEASE: Duration = Duration::from_secs(3);
/// By when who goes on knows of what happened meanwhile. It is asked for every 300 ms whether the API server is there.
const KNOWS: Duration = Duration::from_secs(10);
/// Longer than a look at an object takes.
const IN_HAND: Duration = Duration::from_millis(100);
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
    let mut random = Random(seed);
    let load = Load {
        api: replicas.api(),
        apps: &replicas.apps,
        certificate: Mutex::new(replicas.certificate.clone()),
        is_over: AtomicBool::new(false),
    };
    let (mut stale, mut late_writes) = (Duration::ZERO, 0);
    let (written, history) = thread::scope(|scope| {
        let mut moves = Random(random.next());
        let writing = scope.spawn(|| load.run(move || moves.next()));
        let following = scope.spawn(|| load.follow());
        // What the test ends with must not wait for the load.
        let _end = End(&load.is_over);
        for round in 0..rounds {
            let leader = replicas.leader();
            let (one, other) = (&replicas.all[leader], &replicas.all[1 - leader]);
            let (way, trouble) = (&proxies[leader], troubles[round % troubles.len()]);
            thread::sleep(Duration::from_millis(random.next() % 1000));
            begin(trouble, one, way);
            let before_it = way.asked().len();
            other.wait_for_within(SUCCESSION, "the other one leads", |other| leads(other));
            // What it does not hear of: a key that is sealed with from now on.
            let before = certificate_of(other).expect("it serves one");
            ask_for_key(other);
            let now = other.wait_for("there is a new key", |other| {
                certificate_of(other).filter(|now| *now != before)
            });
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
            let begun = Instant::now();
            match trouble {
                Trouble::Stopped => one.go_on(),
                Trouble::CutOff | Trouble::InSilence => way.behave(),
            }
            one.wait_for("it serves the new certificate", |one| {
                (certificate_of(one).as_ref() == Some(&now)).then_some(())
            });
            stale = stale.max(begun.elapsed());
            assert!(stale < KNOWS, "round {round}, {trouble:?}: {stale:?}");
            one.wait_for("it follows", |one| {
                (one.metric("seal_controller_leader") == Some(0.0)).then_some(())
            });
            thread::sleep(A_WHILE);
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
            assert!(leads(other).is_some(), "{}", other.tail());
        }
        load.is_over.store(true, Ordering::Relaxed);
        (
            writing.join().expect("it does not panic"),
            following.join().expect("it does not panic"),
        )
    });
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
        "{troubles:?}: {rounds} rounds, {} Secrets were seen written; {late_writes} writes were on their way; the old certificate was served for {stale:?} at most",
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

fn ask_for_key(replica: &Controller<'_>) {
    let pid = i32::try_from(replica.pid()).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("it has one"), Signal::USR1).expect("it runs");
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
        let mut version = self.api.get(&self.secrets()).body["metadata"]["resourceVersion"]
            .as_str()
            .map_or_else(String::new, str::to_owned);
        let mut events = Vec::new();
        let mut is_last = false;
        while !is_last {
            is_last = self.is_over.load(Ordering::Relaxed);
            let path = format!(
                "{}?watch=true&timeoutSeconds=1&resourceVersion={version}",
                self.secrets()
            );
            let answer = self.api.get(&path);
            assert_eq!(answer.status, 200, "{}", answer.body);
            // One alone was read as JSON already.
            let lines = match answer.body {
                Value::String(lines) => lines,
                event => event.to_string(),
            };
            for line in lines.lines() {
                let event: Value = serde_json::from_str(line).expect("a line is an event");
                assert_ne!(event["type"], "ERROR", "{event}");
                let object = &event["object"];
                version = text(&object["metadata"]["resourceVersion"]);
                events.push(Event {
                    is_deletion: event["type"] == "DELETED",
                    name: text(&object["metadata"]["name"]),
                    value: text(&object["data"]["password"]),
                });
            }
        }
        History(events)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
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

fn seed() -> u64 {
    let now = SystemTime::UNIX_EPOCH.elapsed();
    now.expect("it is later").subsec_nanos().into()
}

/// A sequence that its seed decides (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Ends the load, also where the test fails.
struct End<'e>(&'e AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
