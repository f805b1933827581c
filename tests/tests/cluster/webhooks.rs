//! Webhooks that refuse, fail or do not answer: what is told of it, and that it ends with them.

use std::{thread, time::Duration};

use seal_tests::{
    cluster::{Decision, Webhook},
    control_plane::ADDRESS,
};
use serde_json::{Value, json};

use crate::site::{EVERYWHERE, Site, base64};

/// Values that nobody may say: a new one, and one that is there before.
const MARKER: &str = "MARKER-41bd";
const BEFORE: &str = "BEFORE-7e20";

/// A site, and a webhook that is asked of its Secrets.
fn everywhere(
    decide: impl Fn(&Value) -> Decision + Clone + Send + Sync + 'static,
    test: impl Fn(&Site, Guard),
) {
    for manifests in EVERYWHERE {
        let site = Site::new(manifests);
        site.api().apply(&guarded(&site, "kept", BEFORE));
        site.synced("kept");
        let webhook = Webhook::start(site.controller.pod().plane(), decide.clone());
        let guard = Guard::put(&site, webhook);
        test(&site, guard);
        for value in [MARKER, BEFORE] {
            assert!(!site.controller.log().contains(value));
            assert!(!site.controller.log().contains(&base64(value)));
        }
    }
}

/// A webhook that the API server asks.
struct Guard {
    webhook: Webhook,
    configuration: String,
}

impl Guard {
    fn put(site: &Site, webhook: Webhook) -> Self {
        let configuration = webhook.configuration(&site.apps, &site.apps);
        site.api().apply(&configuration);
        // The API server takes a moment to know of it.
        let collection = format!("{}?dryRun=All", site.secret_path("").trim_end_matches('/'));
        let probe = json!({"metadata": {"name": "probe", "labels": {"guarded": "yes"}}});
        site.controller.wait_for("the webhook is asked", |_| {
            site.api().create(&collection, &probe);
            (!webhook.asked().is_empty()).then_some(())
        });
        let path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
        Self {
            webhook,
            configuration: format!("{path}/{}", site.apps),
        }
    }

    fn is_taken_away(&self, site: &Site) {
        assert_eq!(site.api().delete(&self.configuration).status, 200);
    }

    /// How often it was asked about a Secret.
    fn times(&self, name: &str) -> usize {
        let asked = self.webhook.asked();
        asked.iter().filter(|asked| *asked == name).count()
    }
}

/// A SealedSecret whose Secret the webhook is asked about.
fn guarded(site: &Site, name: &str, value: &str) -> Value {
    let mut sealed = site.sealed(name, &[("password", value)]);
    sealed["spec"]["template"]["metadata"]["labels"] = json!({"guarded": "yes"});
    sealed
}

/// The message with which a SealedSecret waits, once nothing that is told of it holds the value.
#[track_caller]
fn waits(site: &Site, name: &str, reason: &str) -> String {
    let message = site.condition(name, "Reconciling", "True", reason);
    let object = site.api().get(&site.sealed_path(name)).body;
    let events = site.controller.events_of(&site.apps, "SealedSecret", name);
    for told in [object["status"].to_string(), json!(events).to_string()] {
        for value in [MARKER, &base64(MARKER), BEFORE, &base64(BEFORE)] {
            assert!(!told.contains(value), "{name}: {told}");
        }
    }
    message
}

/// A SealedSecret that no webhook minds gets its Secret.
fn others_go_on(site: &Site) {
    site.with_db("right");
    site.synced("db");
}

#[test]
fn a_webhook_that_refuses_is_told_without_the_values_it_quotes_and_what_it_refused_is_made_when_it_goes()
 {
    /// The codes that it answers with, and none.
    const CODES: [(&str, Option<u16>); 8] = [
        ("none", None),
        ("400", Some(400)),
        ("403", Some(403)),
        ("404", Some(404)),
        ("409", Some(409)),
        ("422", Some(422)),
        ("429", Some(429)),
        ("500", Some(500)),
    ];
    let decide = |request: &Value| {
        let secret = &request["object"];
        let name = secret["metadata"]["name"].as_str().unwrap_or_default();
        let code = CODES.iter().find(|(code, _)| *code == name);
        let code = code.and_then(|(_, code)| *code);
        match name {
            "plain" => Decision::Deny(None, "no ticket is named".to_owned()),
            "kept" => Decision::Deny(code, format!("it is: {}", request["oldObject"])),
            "quoting" => Decision::Deny(Some(422), format!("bad password: \"{MARKER}\"")),
            _ => Decision::Deny(code, format!("refused: {secret}")),
        }
    };
    everywhere(decide, |site, guard| {
        let refused = CODES.map(|(name, _)| name);
        let refused = [&refused[..], &["plain", "quoting"]].concat();
        for name in &refused {
            site.api().apply(&guarded(site, name, MARKER));
        }
        site.api().apply(&guarded(site, "kept", MARKER));
        others_go_on(site);
        for name in refused.iter().chain([&"kept"]) {
            let message = waits(site, name, "WriteForbidden");
            let expected = match *name {
                "plain" => format!(
                    "the API server does not take the Secret: admission webhook \"{}.example.com\" denied the request: no ticket is named",
                    site.apps
                ),
                _ => "the API server does not take the Secret, and its message holds a value of it, so it is not repeated".to_owned(),
            };
            assert_eq!(message, expected, "{name}");
        }
        assert_eq!(site.secret("kept").body["data"]["password"], base64(BEFORE));
        thread::sleep(Duration::from_secs(2));
        for name in refused.iter().chain([&"kept"]) {
            // After 1 s, 2 s, 4 s and so on.
            let times = guard.times(name);
            assert!((1..=6).contains(&times), "{name}: {times}");
        }
        guard.is_taken_away(site);
        for name in refused.iter().chain([&"kept"]) {
            site.synced(name);
            assert_eq!(site.secret(name).body["data"]["password"], base64(MARKER));
        }
    });
}

#[test]
fn a_webhook_that_does_not_answer_in_time_holds_up_its_own_objects_until_it_does() {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    static IS_SLOW: AtomicBool = AtomicBool::new(true);
    let decide = |_: &Value| match IS_SLOW.load(Relaxed) {
        true => Decision::After(Duration::from_secs(3)),
        false => Decision::Allow,
    };
    everywhere(decide, |site, _guard| {
        IS_SLOW.store(true, Relaxed);
        site.api().apply(&guarded(site, "new", MARKER));
        site.api().apply(&guarded(site, "kept", MARKER));
        others_go_on(site);
        for name in ["new", "kept"] {
            let message = waits(site, name, "Retrying");
            assert!(message.contains("failed calling webhook"), "{message}");
            assert!(message.contains("deadline exceeded"), "{message}");
        }
        assert_eq!(site.secret("new").status, 404);
        assert_eq!(site.secret("kept").body["data"]["password"], base64(BEFORE));
        IS_SLOW.store(false, Relaxed);
        for name in ["new", "kept"] {
            site.synced(name);
            assert_eq!(site.secret(name).body["data"]["password"], base64(MARKER));
        }
    });
}

#[test]
fn a_webhook_that_is_gone_holds_up_its_own_objects_until_its_configuration_goes_too() {
    everywhere(
        |_| Decision::Allow,
        |site, guard| {
            let before = guard.webhook.asked().len();
            let configuration = guard.configuration;
            drop(guard.webhook);
            assert!(before > 0);
            site.api().apply(&guarded(site, "new", MARKER));
            // Its drift is seen, and cannot be repaired.
            let owner = &site.secret("kept").body["metadata"]["ownerReferences"];
            assert_eq!(owner[0]["name"], "kept");
            site.api().delete(&site.secret_path("kept"));
            others_go_on(site);
            for name in ["new", "kept"] {
                let message = waits(site, name, "Retrying");
                assert!(message.contains("failed calling webhook"), "{message}");
                let url = format!("https://{ADDRESS}:");
                assert!(message.contains(&url), "{message}");
            }
            // It was right a moment ago.
            site.condition("kept", "Synced", "True", "Unsealed");
            assert_eq!(site.api().delete(&configuration).status, 200);
            for (name, value) in [("new", MARKER), ("kept", BEFORE)] {
                site.condition(name, "Ready", "True", "Unsealed");
                assert_eq!(site.secret(name).body["data"]["password"], base64(value));
            }
        },
    );
}
