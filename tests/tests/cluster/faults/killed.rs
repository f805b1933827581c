//! A controller that is killed (SIGKILL) at any moment, with nobody to take its place: nothing is lost, nothing is made twice.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use seal_tests::{
    cluster::{Fault, Manifests, Proxy, find_condition, seal, sealed_secret, shared},
    keys,
    long::rounds,
};
use serde_json::{Value, json};

use super::{
    ALL_RIGHT, MARKER, everywhere_at_once,
    load::{Dice, Load},
};
use crate::site::{Site, base64, put_key};

#[test]
fn a_controller_that_is_killed_again_and_again_under_load_loses_nothing_and_makes_nothing_twice() {
    everywhere_at_once(&[], |site, _| {
        let (mut dice, of_load) = (Dice::new(), Dice::new());
        println!("kills by {dice:?}, load by {of_load:?}");
        let loading = AtomicBool::new(true);
        let load = Mutex::new(Load::new(site, of_load));
        let kills = rounds(5, 50);
        thread::scope(|scope| {
            scope.spawn(|| {
                while loading.load(Ordering::Relaxed) {
                    load.lock().unwrap_or_else(PoisonError::into_inner).step();
                    thread::sleep(Duration::from_millis(60));
                }
            });
            // What the test ends with must not wait for the load.
            let _stop = Stop(&loading);
            for round in 0..kills {
                thread::sleep(Duration::from_millis(dice.roll(2500) as u64));
                site.controller.kill();
                if round == kills / 2 {
                    put_key(
                        site.controller.pod().plane(),
                        &site.system,
                        "by-hand",
                        "rsa-3072",
                    );
                    let mut load = load.lock().unwrap_or_else(PoisonError::into_inner);
                    load.add_certificate(keys::pem("rsa-3072.crt"));
                }
                site.controller.start_again();
                if dice.roll(2) == 0 {
                    site.controller.wait_until_ready();
                }
            }
        });
        site.controller.wait_until_ready();
        let load = load.into_inner().expect("no thread panicked");
        load.ends_right(site);
        // Those that were brought along, and none besides.
        assert_eq!(
            (site.keys("active").len(), site.keys("pending").len()),
            (2, 0)
        );
    });
}

pub(super) struct Stop<'a>(pub(super) &'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

const NAME: &str = "sealed-secrets-controller";

/// A life from the first key on, in which the controller is killed once, at a write.
struct Life<'l> {
    site: &'l mut Site,
    proxy: &'l Proxy,
    before: usize,
    was_killed: bool,
}

impl Life<'_> {
    /// Waits for something, and kills and starts the controller meanwhile when it is its time.
    #[track_caller]
    fn until<T>(&mut self, what: &str, look: impl Fn(&Site) -> Option<T>) -> T {
        let deadline = Instant::now() + ALL_RIGHT;
        loop {
            if !self.was_killed && self.proxy.faults() > self.before {
                self.was_killed = true;
                self.site.controller.kill();
                self.site.controller.start_again();
            }
            if let Some(found) = look(self.site) {
                return found;
            }
            assert!(
                Instant::now() < deadline,
                "in vain: {what}\n{}",
                self.site.controller.tail()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A Secret that is as it has to be, and said to be so.
fn is_right(site: &Site, name: &str, value: &str) -> Option<()> {
    let secret = site.secret(name);
    let object = site.api().get(&site.sealed_path(name)).body;
    let ready = find_condition(&object, "Ready").map(|ready| ready["status"] == "True");
    let is_current = object["status"]["observedGeneration"] == object["metadata"]["generation"];
    let data = json!({"password": base64(value)});
    (secret.body["data"] == data && is_current && ready == Some(true)).then_some(())
}

/// The path of the ConfigMap with the certificate.
fn certificate_path(site: &Site) -> String {
    format!(
        "/api/v1/namespaces/{}/configmaps/{NAME}-certificate",
        site.system
    )
}

/// The text that is in a field of a Secret.
fn text_of(data: &Value) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let bytes = STANDARD.decode(data.as_str().expect("it is there"));
    String::from_utf8(bytes.expect("it is base64")).expect("it is a text")
}

/// Everything as before the first start.
fn wipe(site: &Site) {
    let api = site.api();
    let system = &site.system;
    let all = |namespace: &str| {
        let path = format!("/api/v1/namespaces/{namespace}/secrets");
        let items = api.get(&path).body["items"].take();
        let items = items.as_array().cloned().unwrap_or_default();
        let path = move |item: &Value| {
            format!(
                "{path}/{}",
                item["metadata"]["name"].as_str().expect("it is stored")
            )
        };
        items.iter().map(path).collect::<Vec<_>>()
    };
    let objects = sealed_secret(&site.apps, "");
    api.delete(objects.trim_end_matches('/'));
    for path in all(system).iter().chain(&all(&site.apps)) {
        api.delete(path);
    }
    api.delete(&certificate_path(site));
    api.delete(&format!(
        "/apis/coordination.k8s.io/v1/namespaces/{system}/leases/{NAME}"
    ));
}

/// Lives a life in which the controller is killed at a write, before or after it is carried out. Whether it came so far.
fn is_killed_at(site: &mut Site, proxy: &Proxy, position: usize, is_carried_out: bool) -> bool {
    let is_ours = std::ptr::eq(site.controller.pod().plane(), shared(Manifests::Ours));
    site.controller.stop();
    wipe(site);
    let (before, count) = (proxy.faults(), AtomicUsize::new(0));
    proxy.misbehave(move |asked| {
        // Signs of life come all the time.
        let is_meant = asked.is_write() && !(asked.is_about("leases") && asked.method == "PUT");
        let is_it = is_meant && count.fetch_add(1, Ordering::Relaxed) + 1 == position;
        is_it.then(|| match is_carried_out {
            true => Fault::Silence.once_carried_out(),
            false => Fault::Silence,
        })
    });
    site.controller.start_again();
    let mut life = Life {
        site,
        proxy,
        before,
        was_killed: false,
    };
    let key = life.until("there is a key", |site| site.keys("active").pop());
    let certificate = text_of(&key["data"]["tls.crt"]);
    let apply = |site: &Site, name: &str, value: &str| {
        let mut sealed = seal(&certificate, &site.apps, name, &[("password", value)]);
        if name == "ownerless" {
            let skip = "sealedsecrets.bitnami.com/skip-set-owner-references";
            sealed["spec"]["template"]["metadata"]["annotations"][skip] = "true".into();
        }
        site.api().apply(&sealed);
    };
    let mut names = vec!["owned", "gone"];
    // That one is known as ours after a restart takes a record.
    names.extend(is_ours.then_some("ownerless"));
    for name in &names {
        apply(life.site, name, "one");
    }
    for name in &names {
        life.until(name, |site| is_right(site, name, "one"));
    }
    life.site.api().delete(&life.site.sealed_path("gone"));
    for name in names.iter().filter(|name| **name != "gone") {
        apply(life.site, name, MARKER);
        life.until(name, |site| is_right(site, name, MARKER));
    }
    life.until("what was deleted is gone", |site| {
        (site.secret("gone").status == 404).then_some(())
    });
    // Upstream's chart gives no right to ConfigMaps.
    life.until("the certificate is offered", |site| {
        let offered = site.api().get(&certificate_path(site)).body;
        let is_offered = offered["data"]["tls.crt"] == certificate.as_str();
        (is_offered || !is_ours).then_some(())
    });
    let Life { was_killed, .. } = life;
    let states = ["active", "pending", "retired"].map(|state| site.keys(state).len());
    assert_eq!(states, [1, 0, 0], "{}", site.controller.tail());
    was_killed
}

/// How many writes a life has: with upstream's chart fewer than with our manifests, and Events that come at once are fewer.
const FEWEST_WRITES: usize = 10;
const MOST_WRITES: usize = 32;

#[test]
fn a_controller_that_is_killed_at_any_write_of_its_first_work_goes_on_and_makes_nothing_twice() {
    everywhere_at_once(&["--key-size=2048"], |site, proxy| {
        if rounds(0, 1) == 0 {
            let mut dice = Dice::new();
            let (mut among, is_carried_out) = (MOST_WRITES, dice.roll(2) == 0);
            loop {
                let position = 1 + dice.roll(among);
                println!("killed at write {position}, carried out: {is_carried_out}");
                if is_killed_at(site, proxy, position, is_carried_out) {
                    return;
                }
                assert!(position > FEWEST_WRITES, "no write {position}");
                among = position - 1;
            }
        }
        let mut at = |position| {
            let mut both = [false, true].into_iter();
            both.all(|is_carried_out| is_killed_at(site, proxy, position, is_carried_out))
        };
        let writes = (1..).take_while(|position| at(*position)).count();
        println!("killed before and after each of {writes} writes");
        assert!((FEWEST_WRITES..=MOST_WRITES).contains(&writes));
    });
}
