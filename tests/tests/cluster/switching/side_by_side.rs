//! The Go project's controller and ours beside each other for long, on the same objects, under load, with keys that both renew and
//! with a restart of each.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use seal_envelope::{Certificate, KeySize, generate_key};
use seal_tests::{
    cluster::{Controller, Manifests, Setup, find_condition, install_objects, seal, sealed_secret},
    control_plane::{Api, ControlPlane},
    long::rounds,
    programs::Program,
    run::Run,
    scratch::Scratch,
};
use serde_json::{Value, json};

use super::ground::{Ground, REST, SYSTEM};
use crate::{
    history::{follow, text},
    random_moves::{Moves, seed},
    site::{base64, key_secret_of},
};

/// Some are changed all the time, and the others now and then.
const HOT: usize = 4;
const OBJECTS: usize = 24;
/// By when a Secret is right after something was done. A machine that does other things at the same time is slow.
const RIGHT: Duration = Duration::from_secs(10);
/// By when the garbage collector knows of a new kind and has collected what it owned.
const COLLECTED: Duration = Duration::from_secs(120);
/// For each thing that is done with an object: the Go project's controller tries six times and may write a status each time,
/// ours follows, mends and records, and both make way for each other.
const WRITES: usize = 16;
/// So often what a status says may change for one state of a SealedSecret.
const TEXTS: usize = 12;

#[test]
fn both_beside_each_other_for_long_where_only_the_image_changes() {
    let seed = seed();
    println!("seed {seed}");
    println!("{}", beside_each_other(Manifests::Chart, seed));
}

#[test]
fn both_beside_each_other_for_long_with_our_manifests_over_upstreams() {
    let seed = seed();
    println!("seed {seed}");
    println!("{}", beside_each_other(Manifests::Ours, seed));
}

/// What was seen, in words.
fn beside_each_other(manifests: Manifests, seed: u64) -> String {
    let seconds = |usual, long| Duration::from_secs(rounds(usual, long) as u64);
    let time = seconds(25, 600);
    let plane = ControlPlane::start();
    let ground = Ground::new(&plane, manifests);
    let mut theirs = run(&ground, Program::UpstreamController, seconds(11, 170));
    let mut ours = run(&ground, Program::Controller, seconds(7, 110));
    let company = Company {
        ground: &ground,
        state: Mutex::default(),
        certificates: Mutex::new(vec![ground.certificate.clone()]),
        is_over: AtomicBool::new(false),
    };
    company.wait_for_collection();
    let mut random = Moves(seed);
    let (looked_at, statuses, secrets, keys) = thread::scope(|scope| {
        let mut moves = Moves(random.next());
        let company = &company;
        let load = scope.spawn(move || company.load(&mut moves));
        let sealed = sealed_secret(&ground.apps, "");
        let statuses = scope.spawn(move || History::of(company, sealed.trim_end_matches('/')));
        let path = format!("/api/v1/namespaces/{}/secrets", ground.apps);
        let secrets = scope.spawn(move || History::of(company, &path));
        let keys = scope.spawn(|| company.keys_seen());
        let _end = End(&company.is_over);
        let begun = Instant::now();
        let mut both_run_since = begun;
        let mut looked_at = 0;
        // Early, so that there is time to be right in after them.
        let mut to_restart = vec![("theirs", time * 4 / 10), ("ours", time * 2 / 10)];
        while begun.elapsed() < time || looked_at == 0 {
            company.look_at_certificates([&theirs, &ours]);
            looked_at += company.assert_right_for_long(both_run_since, &[&theirs, &ours]);
            if let Some((whose, _)) = to_restart.pop_if(|(_, at)| begun.elapsed() > *at) {
                let one = if whose == "ours" {
                    &mut ours
                } else {
                    &mut theirs
                };
                let ended = one.restart();
                assert_eq!(ended.code, Some(0), "{}", ended.log);
                both_run_since = Instant::now();
            }
            thread::sleep(Duration::from_millis(200));
        }
        company.is_over.store(true, Ordering::Relaxed);
        load.join().expect("the load does not panic");
        (
            looked_at,
            statuses.join().expect("it does not panic"),
            secrets.join().expect("it does not panic"),
            keys.join().expect("it does not panic"),
        )
    });
    // Nothing is written any more, and everything is right.
    ground.wait_for_rest(5 * REST);
    company.assert_all_right(&[&theirs, &ours]);
    let limit = |history: &History| history.assert_bounded(&company);
    let most = [limit(&statuses), limit(&secrets)];
    let texts = statuses.assert_steady();
    company.assert_keys(&keys);
    for one in [&theirs, &ours] {
        assert!(one.log().contains("New key written"), "{}", one.tail());
    }
    // Both know all keys after a restart, and seal with the newest; of two that are as new ours takes that of the lower id.
    let twins = company.put_twins();
    ours.wait_for("ours seals with a twin", |ours| {
        (certificate_of(ours)? == twins[0]).then_some(())
    });
    theirs.restart();
    ours.restart();
    assert_eq!(certificate_of(&ours).as_ref(), Some(&twins[0]));
    let served = certificate_of(&theirs).expect("it serves one");
    assert!(twins.contains(&served), "{served}");
    for (number, certificate) in company.stored_certificates().iter().enumerate() {
        let name = format!("probe-{number}");
        let probe = seal(certificate, &ground.apps, &name, &[("value", "x")]);
        for one in [&theirs, &ours] {
            let path = pod_path(one, "/v1/verify");
            let verified = one.wait_for("it has time for us", |_| {
                let answer = ground.api().create(&path, &probe);
                (answer.status != 429).then_some(answer)
            });
            assert_eq!(
                verified.status,
                200,
                "{number}: {}\n{}",
                verified.body,
                one.tail()
            );
        }
    }
    ground.wait_for_rest(REST);
    company.assert_all_right(&[&theirs, &ours]);
    let done: usize = company.state().values().map(|object| object.done).sum();
    format!(
        "{manifests:?}: {done} things done in {time:?} with {} certificates, {} keys in the end; {} writes of SealedSecrets ({} at most for a thing done), {} of Secrets ({}); {looked_at} looks at what was left alone; a status said {texts} things in turn at most",
        company.certificates().len(),
        keys.len(),
        statuses.writes.values().sum::<usize>(),
        most[0],
        secrets.writes.values().sum::<usize>(),
        most[1],
    )
}

/// Installs one of both beside what is there, in the same namespace and with the same ServiceAccount.
fn run<'p>(ground: &Ground<'p>, program: Program, renew: Duration) -> Controller<'p> {
    let setup = match (ground.manifests, program.is_ours()) {
        (Manifests::Chart, _) => Setup::chart(),
        (_, true) => Setup::ours(),
        (_, false) => Setup::upstream_static(),
    };
    let mut objects = setup
        .args([
            "--kubeclient-qps=-1".to_owned(),
            "--key-size=2048".to_owned(),
            format!("--key-renew-period={}s", renew.as_secs()),
        ])
        .objects();
    for object in &mut objects {
        if object["kind"] == "Deployment" && program.is_ours() {
            // A Deployment of its own, whose pods are no pods of the other's.
            object["metadata"]["name"] = "beside".into();
            object["spec"]["selector"]["matchLabels"]["beside"] = "yes".into();
            object["spec"]["template"]["metadata"]["labels"]["beside"] = "yes".into();
        }
    }
    install_objects(ground.plane, SYSTEM, objects).run(program)
}

fn pod_path(controller: &Controller<'_>, path: &str) -> String {
    let pod = controller.pod();
    format!(
        "/api/v1/namespaces/{}/pods/http:{}:8080/proxy{path}",
        pod.namespace(),
        pod.name()
    )
}

fn certificate_of(controller: &Controller<'_>) -> Option<String> {
    let api = controller.pod().plane().api();
    let answer = api.get(&pod_path(controller, "/v1/cert.pem"));
    let text = answer.body.as_str().filter(|_| answer.status == 200)?;
    Some(text.trim().to_owned())
}

/// What an object has to be.
#[derive(Debug, Default)]
struct Expected {
    /// Its value; none where there is no SealedSecret.
    value: Option<String>,
    /// Whether somebody did something to its Secret since it was changed.
    is_touched: bool,
    /// When something was done with it last.
    at: Option<Instant>,
    /// How often something was done with it.
    done: usize,
}

impl Expected {
    fn did(&mut self) {
        self.at = Some(Instant::now());
        self.done += 1;
    }
}

/// Both, and what is done with them.
struct Company<'c> {
    ground: &'c Ground<'c>,
    state: Mutex<BTreeMap<String, Expected>>,
    /// All that either of them served.
    certificates: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl Company<'_> {
    fn api(&self) -> &Api {
        self.ground.api()
    }

    fn state(&self) -> MutexGuard<'_, BTreeMap<String, Expected>> {
        self.state.lock().expect("no thread panicked")
    }

    fn certificates(&self) -> MutexGuard<'_, Vec<String>> {
        self.certificates.lock().expect("no thread panicked")
    }

    /// Waits until the garbage collector knows of SealedSecrets, for which it looks twice a minute.
    fn wait_for_collection(&self) {
        let is_there = || self.ground.secret("collected").is_some();
        let sealed = seal(
            &self.ground.certificate,
            &self.ground.apps,
            "collected",
            &[("value", "x")],
        );
        self.api().apply(&sealed);
        wait_until("the Secret is there", is_there);
        self.api()
            .delete(&sealed_secret(&self.ground.apps, "collected"));
        wait_until("garbage is collected", || !is_there());
    }

    /// What a client may seal with from now on.
    fn look_at_certificates(&self, both: [&Controller<'_>; 2]) {
        for one in both {
            let answer = self.api().get(&pod_path(one, "/v1/cert.pem"));
            let served = answer.body.as_str().filter(|_| answer.status == 200);
            let served = served.unwrap_or_else(|| panic!("{answer:?}\n{}", one.tail()));
            let served = served.trim().to_owned();
            let mut known = self.certificates();
            if !known.contains(&served) {
                known.push(served);
            }
        }
    }

    /// Does something with an object, again and again.
    fn load(&self, random: &mut Moves) {
        let scratch = Scratch::new();
        let mut count = 0;
        while !self.is_over.load(Ordering::Relaxed) {
            count += 1;
            let is_hot = random.one_of(3) > 0;
            let number = if is_hot {
                random.one_of(HOT)
            } else {
                random.one_of(OBJECTS)
            };
            let name = format!("db-{number}");
            let secret = format!("/api/v1/namespaces/{}/secrets/{name}", self.ground.apps);
            // Held, so that it is not looked at in between.
            let mut state = self.state();
            let object = state.entry(name.clone()).or_default();
            let is_there = object.value.is_some() && !object.is_touched;
            match random.one_of(12) {
                0 if is_there => {
                    object.did();
                    object.is_touched = true;
                    self.api().delete(&secret);
                }
                1 if is_there => {
                    object.did();
                    object.is_touched = true;
                    let edited = json!({"data": {"value": base64("edited"), "more": ""}});
                    self.api().patch(&secret, &edited);
                }
                2 if is_there => {
                    object.did();
                    object.value = None;
                    self.api().delete(&sealed_secret(&self.ground.apps, &name));
                }
                _ => {
                    let value = format!("value-{count}");
                    let certificates = self.certificates().clone();
                    // The newest ones are those that one of both may not know.
                    let newest = certificates.len().saturating_sub(3);
                    let certificate = &certificates[match random.one_of(4) {
                        0 => random.one_of(certificates.len()),
                        _ => newest + random.one_of(certificates.len() - newest),
                    }];
                    let is_by_kubeseal = random.one_of(4) == 0;
                    let sealed = if is_by_kubeseal {
                        by_kubeseal(&scratch, certificate, &self.ground.apps, &name, &value)
                    } else {
                        seal(certificate, &self.ground.apps, &name, &[("value", &value)])
                    };
                    self.api().apply(&sealed);
                    object.did();
                    object.is_touched = false;
                    object.value = Some(value);
                }
            }
            drop(state);
            thread::sleep(Duration::from_millis(random.next() % 400));
        }
    }

    /// What is wrong with an object.
    fn problem(&self, name: &str, value: Option<&String>) -> Option<String> {
        let secret = self
            .ground
            .secret(name)
            .map(|secret| secret["data"].clone());
        let expected = value.map(|value| json!({"value": base64(value)}));
        (secret != expected).then(|| format!("{name} is {secret:?} and has to be {expected:?}"))
    }

    /// Checks those with which nothing was done while both ran for a while; how many they are.
    #[track_caller]
    fn assert_right_for_long(&self, both_run_since: Instant, both: &[&Controller<'_>]) -> usize {
        let quiet: Vec<(String, usize, Option<String>)> = {
            let state = self.state();
            let is_quiet = |object: &Expected| {
                let since = object.at.map(|at| at.max(both_run_since));
                since.is_some_and(|since| since.elapsed() > RIGHT)
            };
            let quiet = state.iter().filter(|(_, object)| is_quiet(object));
            quiet
                .map(|(name, object)| (name.clone(), object.done, object.value.clone()))
                .collect()
        };
        let count = quiet.len();
        for (name, done, value) in quiet {
            let problem = self.problem(&name, value.as_ref());
            let is_as_before = self.state()[&name].done == done;
            if let Some(problem) = problem.filter(|_| is_as_before) {
                panic!("{problem}\n{}", tails(both));
            }
        }
        count
    }

    /// Checks all Secrets, and what both say of them in the end.
    #[track_caller]
    fn assert_all_right(&self, both: &[&Controller<'_>]) {
        for (name, object) in self.state().iter() {
            let problem = self.problem(name, object.value.as_ref());
            assert_eq!(problem, None, "{}", tails(both));
            if object.value.is_none() {
                continue;
            }
            let sealed = self.ground.object(name);
            let synced = find_condition(&sealed, "Synced").expect("it has it");
            assert_eq!(synced["status"], "True", "{sealed:#}\n{}", tails(both));
            assert_eq!(
                sealed["status"]["observedGeneration"], sealed["metadata"]["generation"],
                "{sealed:#}"
            );
        }
    }

    fn key_secrets(&self) -> Vec<Value> {
        let label = "sealedsecrets.bitnami.com%2Fsealed-secrets-key%3Dactive";
        let path = format!("/api/v1/namespaces/{SYSTEM}/secrets?labelSelector={label}");
        let mut list = self.api().get(&path).body;
        match list["items"].take() {
            Value::Array(items) => items,
            other => panic!("{other}"),
        }
    }

    fn stored_certificates(&self) -> BTreeSet<String> {
        let secrets = self.key_secrets();
        let certificate = |secret: &Value| decoded(&secret["data"]["tls.crt"]).trim().to_owned();
        secrets.iter().map(certificate).collect()
    }

    /// The uids of all key Secrets that there were at any time.
    fn keys_seen(&self) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        while !self.is_over.load(Ordering::Relaxed) {
            let secrets = self.key_secrets();
            seen.extend(secrets.iter().map(uid));
            thread::sleep(Duration::from_millis(300));
        }
        seen
    }

    /// Checks that no key went, and that there is one for whatever was served.
    #[track_caller]
    fn assert_keys(&self, seen: &BTreeSet<String>) {
        let secrets = self.key_secrets();
        let there: BTreeSet<String> = secrets.iter().map(uid).collect();
        assert!(seen.is_subset(&there), "{seen:?} {there:?}");
        let stored = self.stored_certificates();
        for served in self.certificates().iter() {
            assert!(stored.contains(served.trim()), "{served}");
        }
    }

    /// Puts two keys there that are as new as each other and newer than all; their certificates, that of the lower id first.
    /// They are from the future, so that neither controller makes a newer one after it has read them at its start.
    fn put_twins(&self) -> [String; 2] {
        let later = Timestamp::now() + SignedDuration::from_hours(1);
        let day = SignedDuration::from_hours(24);
        let mut keys = ["twin-a", "twin-b"].map(|name| {
            let key = generate_key(KeySize::Rsa2048, "", later, day).expect("keys can be made");
            self.api().apply(&key_secret_of(&key, SYSTEM, name));
            key.certificate
        });
        keys.sort_by_key(Certificate::key_id);
        keys.map(|certificate| certificate.to_pem().trim().to_owned())
    }
}

#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(
            begun.elapsed() < COLLECTED,
            "not within {COLLECTED:?}: {what}"
        );
        thread::sleep(Duration::from_millis(200));
    }
}

fn by_kubeseal(
    scratch: &Scratch,
    certificate: &str,
    namespace: &str,
    name: &str,
    value: &str,
) -> Value {
    scratch.write("cert.pem", certificate);
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "stringData": {"value": value},
        "metadata": {"name": name, "namespace": namespace},
    });
    let finished = Run::new(scratch, Program::Kubeseal)
        .args(["--cert", "cert.pem", "--format", "json"])
        .stdin(secret.to_string())
        .finish();
    serde_json::from_slice(&finished.exits(0).stdout).expect("it is JSON")
}

fn tails(both: &[&Controller<'_>]) -> String {
    let tails = both.iter().map(|one| one.tail());
    tails.collect::<Vec<_>>().join("\n")
}

fn uid(object: &Value) -> String {
    text(&object["metadata"]["uid"]).to_owned()
}

fn decoded(value: &Value) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let bytes = STANDARD.decode(text(value)).expect("it is Base64");
    String::from_utf8(bytes).expect("it is a text")
}

/// What became of the objects of a collection.
#[derive(Debug, Default)]
struct History {
    /// How often each was written.
    writes: BTreeMap<String, usize>,
    /// What was said in turn of each state of an object: by uid and generation.
    said: BTreeMap<(String, i64), Vec<String>>,
}

impl History {
    fn of(company: &Company<'_>, collection: &str) -> Self {
        let mut history = Self::default();
        follow(company.api(), collection, &company.is_over, |event| {
            let object = &event["object"];
            let name = text(&object["metadata"]["name"]).to_owned();
            *history.writes.entry(name).or_default() += 1;
            let state = (uid(object), object["metadata"]["generation"].as_i64());
            if let (uid, Some(generation)) = state
                && object["status"]["observedGeneration"] == generation
                && let Some(synced) = find_condition(object, "Synced")
            {
                let said = format!("{}: {}", text(&synced["status"]), text(&synced["message"]));
                let all = history.said.entry((uid, generation)).or_default();
                if all.last() != Some(&said) {
                    all.push(said);
                }
            }
        });
        history
    }

    /// Checks that no object was written more often than what was done with it makes for; the most for each thing done.
    #[track_caller]
    fn assert_bounded(&self, company: &Company<'_>) -> usize {
        let state = company.state();
        let mut most = 0;
        for (name, writes) in &self.writes {
            let done = state.get(name).map_or(0, |object| object.done);
            assert!(
                *writes <= WRITES * done.max(1),
                "{name}: {writes} writes, {done} done"
            );
            most = most.max(writes.div_ceil(done.max(1)));
        }
        most
    }

    /// Checks that no status says one thing and another in turn without an end; how many things at most.
    #[track_caller]
    fn assert_steady(&self) -> usize {
        let most = self.said.values().max_by_key(|said| said.len());
        let most = most.expect("something was said");
        assert!(most.len() <= TEXTS, "{most:#?}");
        most.len()
    }
}

/// Ends the load, also where the test fails.
struct End<'e>(&'e AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
