//! Values in as many situations as there are, and everything that is told: none of it holds one, in any form.

use std::{collections::BTreeMap, fs, process::Command, time::Duration};

use jiff::Timestamp;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use seal_api::Scope;
use seal_envelope::{Certificate, Label};
use seal_sealing::Secret;
use seal_tests::{
    cluster::{Decision, Manifests, Webhook, sealed_secret},
    keys, long, memory,
};
use serde_json::{Value, json};

use crate::site::{Site, base64, put_key};

/// In every value. It holds what JSON and Go's quoting write otherwise.
const MARKER: &str = "mk-7d21\"c5e09b<tab\t>4f8a-kuo2";
/// Short enough to be found also where a message quotes only a part of a long value.
const PARTS: [&str; 3] = ["mk-7d21\"c5e09b", "c5e09b<tab\t>4f", "<tab\t>4f8a-kuo2"];

/// A part of the marker as it may be told.
fn disguises() -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for part in PARTS {
        let mut add = |name: &str, text: &str| {
            all.push((format!("{part:?} {name}"), text.as_bytes().to_vec()));
        };
        let hexadecimal: String = part.bytes().map(|byte| format!("{byte:02x}")).collect();
        add("in hexadecimal", &hexadecimal);
        add("in capital hexadecimal", &hexadecimal.to_uppercase());
        let reversed: String = part.chars().rev().collect();
        let escaped = json!(part).to_string();
        let escaped = escaped.trim_matches('"').trim_end_matches('\\').to_owned();
        add("as JSON", &escaped);
        let twice = json!(json!(part).to_string()).to_string();
        add("as JSON in JSON", twice.trim_matches(['"', '\\']));
        add(
            "in HTML",
            &escaped.replace('<', "\\u003c").replace('>', "\\u003e"),
        );
        let percent: String = part.bytes().map(|byte| format!("%{byte:02X}")).collect();
        add("in percents", &percent);
        let numbers: Vec<String> = part.bytes().map(|byte| byte.to_string()).collect();
        add("as numbers of Go", &numbers.join(" "));
        add("as numbers of Rust", &numbers.join(", "));
        for (order, text) in [("", part), ("reversed ", &reversed)] {
            for form in memory::forms(text.as_bytes()) {
                all.push((format!("{part:?} {order}{}", form.name), form.bytes.clone()));
                let backwards = form.bytes.iter().rev().copied().collect();
                all.push((
                    format!("{part:?} {order}{} backwards", form.name),
                    backwards,
                ));
            }
        }
    }
    all
}

/// The forms that a text holds.
fn found(text: &str, disguises: &[(String, Vec<u8>)]) -> Vec<String> {
    let holds = |form: &[u8]| text.contains(std::str::from_utf8(form).expect("it is ASCII"));
    let found = disguises.iter().filter(|(_, form)| holds(form));
    found.map(|(name, _)| name.clone()).collect()
}

/// `name` with a value of bytes that need not be a text.
fn sealed_bytes(site: &Site, name: &str, value: &[u8]) -> Value {
    let mut secret = Secret::new(name, Some(&site.apps));
    secret.data.insert("password".into(), value.into());
    let certificate = Certificate::from_pem(site.certificate.as_bytes()).expect("it is one");
    let sealed = seal_sealing::seal(&secret, Scope::Strict, &certificate, Timestamp::now());
    sealed.expect("it can be sealed").object.into_json()
}

/// What fails for good: the SealedSecret, and the reason that its status has to give.
fn failing(site: &Site) -> BTreeMap<&'static str, (Value, &'static str)> {
    let mut all = BTreeMap::new();
    let mut add = |name: &'static str, object: Value, reason: &'static str| {
        all.insert(name, (object, reason));
    };
    let plain = |name: &str| site.sealed(name, &[("password", MARKER)]);
    let renamed = |name: &str, mut object: Value| {
        object["metadata"]["name"] = name.into();
        object
    };
    add(
        "moved",
        renamed("moved", plain("another")),
        "SealedForAnotherName",
    );
    let mut wider = plain("wider");
    wider["metadata"]["annotations"]["sealedsecrets.bitnami.com/cluster-wide"] = "true".into();
    add("wider", wider, "SealedForAnotherScope");
    let elsewhere = seal_tests::cluster::seal(
        &site.certificate,
        "elsewhere",
        "from",
        &[("password", MARKER)],
    );
    let mut elsewhere = renamed("from", elsewhere);
    elsewhere["metadata"]["namespace"] = site.apps.as_str().into();
    add("from", elsewhere, "SealedForAnotherNamespace");
    let foreign = keys::pem("rsa-3072.crt");
    let foreign =
        seal_tests::cluster::seal(&foreign, &site.apps, "foreign", &[("password", MARKER)]);
    add("foreign", foreign, "UnknownKey");
    // Whoever forgot to seal.
    for (name, text) in [("pasted", MARKER.to_owned()), ("encoded", base64(MARKER))] {
        let mut object = plain(name);
        object["spec"]["encryptedData"]["password"] = text.into();
        add(name, object, "MalformedItem");
    }
    let mut damaged = plain("damaged");
    let item = damaged["spec"]["encryptedData"]["password"].as_str();
    let item = item.expect("it is a text");
    damaged["spec"]["encryptedData"]["password"] =
        format!("{}AAAA", &item[..item.len() - 4]).into();
    damaged["metadata"]["annotations"] = json!({});
    add("damaged", damaged, "CannotOpen");
    for (name, template, reason) in [
        ("fails", "{{ fail .password }}", "TemplateFailed"),
        (
            "fails-formatted",
            "{{ fail (printf \"%v %q %x\" . .password .password) }}",
            "TemplateFailed",
        ),
        (
            "fails-encoded",
            "{{ fail (.password | b64enc) }}",
            "TemplateFailed",
        ),
        ("no-field", "{{ .password.user }}", "TemplateFailed"),
        ("no-index", "{{ index .password 9999 }}", "TemplateFailed"),
        ("no-json", "{{ mustFromJson .password }}", "TemplateFailed"),
        (
            "no-date",
            "{{ mustToDate \"2006-01-02\" .password }}",
            "TemplateFailed",
        ),
        (
            "no-pattern",
            "{{ mustRegexMatch (printf \"(%s\" .password) \"x\" }}",
            "TemplateFailed",
        ),
        ("no-call", "{{ call .password }}", "TemplateFailed"),
        ("no-template", "{{ template .password }}", "TemplateInvalid"),
        (
            "costly",
            "{{ range until 1000000 }}{{ range until 1000000 }}{{ $.password }}{{ end }}{{ end }}",
            "TemplateTooCostly",
        ),
        (
            "costly-memory",
            "{{ repeat 100000000 .password }}",
            "TemplateTooCostly",
        ),
        ("function", "{{ env .password }}", "TemplateInvalid"),
        (
            "random",
            "{{ shuffle .password }}",
            "TemplateFunctionMissing",
        ),
    ] {
        let mut object = plain(name);
        object["spec"]["template"]["data"] = json!({"text": template});
        add(name, object, reason);
    }
    let broken = [MARKER.as_bytes(), &[0xff, 0xfe], MARKER.as_bytes()].concat();
    let mut binary = sealed_bytes(site, "binary", &broken);
    binary["spec"]["template"]["data"] = json!({"text": "{{ mustFromJson .password }}"});
    add("binary", binary, "TemplateFailed");
    for (name, inner) in [
        (
            "legacy-broken",
            format!("{{\"stringData\":{{\"a\":\"{MARKER}\""),
        ),
        ("legacy-odd", json!({"stringData": MARKER}).to_string()),
    ] {
        let certificate = Certificate::from_pem(site.certificate.as_bytes()).expect("it is one");
        let text = certificate.seal(inner.as_bytes(), &Label::strict(&site.apps, name));
        let mut object = plain(name);
        object["spec"] =
            json!({"encryptedData": {}, "data": text.expect("it can be sealed").as_str()});
        object["metadata"]["annotations"] = json!({});
        add(name, object, "InvalidLegacyData");
    }
    for (name, type_, reason) in [
        (
            "registry",
            "kubernetes.io/dockerconfigjson",
            "SecretRefused",
        ),
        (
            "token",
            "kubernetes.io/service-account-token",
            "TypeNotAllowed",
        ),
    ] {
        let mut object = site.sealed(name, &[(".dockerconfigjson", MARKER)]);
        object["spec"]["template"]["type"] = type_.into();
        add(name, object, reason);
    }
    let large = MARKER.repeat(1024 * 1024 / MARKER.len() + 1);
    add(
        "large",
        site.sealed("large", &[("password", &large)]),
        "SecretRefused",
    );
    all
}

/// The reason of a SealedSecret that is refused for good or has its Secret.
fn concluded(site: &Site, name: &str) -> String {
    let is_one = |object: &Value, kind: &str| {
        let found = seal_tests::cluster::find_condition(object, kind);
        found.is_some_and(|found| found["status"] == "True")
    };
    let what = format!("{name} is concluded");
    let path = site.sealed_path(name);
    // What is refused is searched for its values, which takes long where they are large and the program is not optimised.
    let limit = Duration::from_secs(180);
    let object = site.controller.wait_for_within(limit, &what, |_| {
        let object = site.api().get(&path).body;
        let is_concluded = is_one(&object, "Stalled") || is_one(&object, "Synced");
        is_concluded.then_some(object)
    });
    let reason = &object["status"]["conditions"][0]["reason"];
    reason.as_str().unwrap_or_default().to_owned()
}

/// Everything that the controller says anywhere, by where.
fn told(site: &Site) -> BTreeMap<String, String> {
    let mut told = BTreeMap::new();
    told.insert("the log".to_owned(), site.controller.log());
    told.insert("metrics".to_owned(), site.controller.metrics());
    for namespace in [&site.apps, &site.system] {
        for resource in ["events", "configmaps"] {
            let list = site
                .api()
                .get(&format!("/api/v1/namespaces/{namespace}/{resource}"));
            told.insert(format!("{resource} of {namespace}"), list.body.to_string());
        }
        let events = format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events");
        told.insert(
            format!("new events of {namespace}"),
            site.api().get(&events).body.to_string(),
        );
        let leases = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases");
        told.insert(
            format!("leases of {namespace}"),
            site.api().get(&leases).body.to_string(),
        );
        let objects = site
            .api()
            .get(sealed_secret(namespace, "").trim_end_matches('/'))
            .body;
        for object in objects["items"].as_array().expect("it is a list") {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            let known = format!("{}{}", object["status"], object["metadata"]);
            told.insert(format!("status of {namespace}/{name}"), known);
        }
    }
    told
}

/// The files that a process has open, but for its log.
fn open_files(pid: u32) -> Vec<String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs");
    let targets = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let targets = targets.map(|target| target.display().to_string());
    targets
        .filter(|target| target.starts_with('/') && !target.starts_with("/dev/"))
        .filter(|target| !target.ends_with("controller.log"))
        .collect()
}

#[test]
fn whatever_goes_wrong_no_value_is_told_anywhere_in_any_form() {
    for format in &["json", "text"][..long::rounds(1, 2)] {
        let site = Site::with(Manifests::Ours, |setup| {
            setup
                .args([
                    "--log-level=DEBUG",
                    "--rate-limit=1000",
                    "--rate-limit-burst=1000",
                ])
                .args([format!("--log-format={format}")])
        });
        let disguises = disguises();
        // Webhooks repeat what they refuse, as it is and in other forms.
        let webhook = Webhook::start(site.controller.pod().plane(), |request| {
            let secret = &request["object"];
            let name = secret["metadata"]["name"].as_str().unwrap_or_default();
            match name {
                "quoted" => Decision::Deny(Some(422), format!("no: {MARKER}")),
                "repeated" => Decision::Deny(None, format!("no: {secret}")),
                "probe" => Decision::Deny(None, "it is asked".to_owned()),
                _ => Decision::Allow,
            }
        });
        site.api()
            .apply(&webhook.configuration(&site.apps, &site.apps));
        site.controller.wait_for("the webhook is asked", |_| {
            let collection = format!("{}?dryRun=All", site.secret_path("").trim_end_matches('/'));
            let probe = json!({"metadata": {"name": "probe", "labels": {"guarded": "yes"}}});
            (site.api().create(&collection, &probe).status >= 400).then_some(())
        });
        let failing = failing(&site);
        for (object, _) in failing.values() {
            site.api().apply(object);
        }
        let guarded = |name: &str| {
            let mut sealed = site.sealed(name, &[("password", MARKER)]);
            sealed["spec"]["template"]["metadata"]["labels"] = json!({"guarded": "yes"});
            sealed
        };
        for name in ["quoted", "repeated"] {
            site.api().apply(&guarded(name));
        }
        // A Secret of somebody else, an immutable one, and one that is changed and repaired.
        site.api().apply(
            &json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"theirs": MARKER},
            "metadata": {"name": "theirs", "namespace": site.apps}}),
        );
        site.api()
            .apply(&site.sealed("theirs", &[("password", MARKER)]));
        let mut fixed = site.sealed("fixed", &[("password", MARKER)]);
        fixed["spec"]["template"]["immutable"] = true.into();
        site.api().apply(&fixed);
        site.synced("fixed");
        let mut next = site.sealed(
            "fixed",
            &[("password", &format!("{MARKER}.")), ("more", MARKER)],
        );
        next["spec"]["template"]["immutable"] = true.into();
        site.api().apply(&next);
        site.with_db(MARKER);
        site.api().patch(
            &site.secret_path("db"),
            &json!({"stringData": {"password": format!("changed {MARKER}")}}),
        );
        site.secret_that("db", "is repaired", |secret| {
            secret["data"]["password"] == base64(MARKER)
        });
        site.api().delete(&site.secret_path("db"));
        site.secret_that("db", "is made again", |_| true);
        // Keys that are none, and one that is out of place.
        for (namespace, name) in [(&site.system, "no-key"), (&site.system, "half-a-key")] {
            let mut key = crate::site::key_secret(namespace, name, "rsa-2048");
            key["stringData"]["tls.key"] = match name {
                "no-key" => MARKER.into(),
                _ => format!(
                    "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n",
                    base64(MARKER)
                )
                .into(),
            };
            site.api().apply(&key);
        }
        put_key(
            site.controller.pod().plane(),
            &site.apps,
            "elsewhere",
            "rsa-2048",
        );
        let reasons: BTreeMap<&str, String> = failing
            .keys()
            .map(|name| (*name, concluded(&site, name)))
            .collect();
        let expected: BTreeMap<&str, String> = failing
            .iter()
            .map(|(name, (_, reason))| (*name, (*reason).to_owned()))
            .collect();
        assert_eq!(reasons, expected);
        for name in ["quoted", "repeated"] {
            site.condition(name, "Reconciling", "True", "WriteForbidden");
        }
        site.stalled("theirs", "NotManaged");
        site.stalled("fixed", "ImmutableSecret");
        site.controller
            .wait_for("the keys are refused", |controller| {
                let refused =
                    controller.metric("seal_controller_key_problems{reason=\"UnreadableKey\"}");
                (refused == Some(2.0)).then_some(())
            });

        let mut told = told(&site);
        site.controller.certificate();
        let bodies = [
            json!(MARKER),
            json!({"kind": "Secret", "apiVersion": "v1", "stringData": {"a": MARKER}}),
            json!({"kind": "SealedSecret", "apiVersion": "bitnami.com/v1alpha1", "spec": {"encryptedData": {"a": MARKER, MARKER: 1}}}),
            json!({"kind": "SealedSecret", "apiVersion": "bitnami.com/v1alpha1", "metadata": [MARKER]}),
            site.sealed("db", &[("password", MARKER)]),
        ];
        for path in [
            "/v1/verify",
            "/v1/rotate",
            "/v1/cert.pem",
            "/healthz",
            "/elsewhere",
        ] {
            for body in failing.values().map(|(object, _)| object).chain(&bodies) {
                let path = site.controller.service_path(path);
                let mut answer = site.api().create(&path, body).body;
                // A SealedSecret says what its metadata and template did, which are no values.
                if answer["kind"] == "SealedSecret" {
                    answer["spec"]
                        .as_object_mut()
                        .map(|spec| spec.remove("template"));
                }
                told.insert(format!("{path} {}", told.len()), answer.to_string());
            }
        }
        told.insert("the log after that".to_owned(), site.controller.log());
        told.insert("metrics after that".to_owned(), site.controller.metrics());
        // What is searched for would be found.
        let secrets = site
            .api()
            .get(site.secret_path("").trim_end_matches('/'))
            .body;
        assert!(!found(&secrets.to_string(), &disguises).is_empty());
        for (place, text) in &told {
            let found = found(text, &disguises);
            assert!(found.is_empty(), "{format}: {place} has {found:?}");
        }
        assert_eq!(open_files(site.controller.pid()), [] as [String; 0]);
        drop(webhook);
    }
}

#[test]
fn a_controller_in_its_pod_leaves_no_core_file_and_shows_its_memory_to_nobody() {
    let mut site = Site::new(Manifests::Ours);
    site.controller.stop();
    // What the program begins with, and takes from itself.
    let before = getrlimit(Resource::Core);
    let unlimited = Rlimit {
        current: None,
        maximum: None,
    };
    setrlimit(Resource::Core, unlimited).expect("root may set limits");
    site.controller.start_again();
    setrlimit(Resource::Core, before).expect("it was so");
    site.controller.wait_until_ready();
    site.with_db(MARKER);
    let pid = site.controller.pid();
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).expect("it runs");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let core: Vec<&str> = core.expect("it has one").split_whitespace().collect();
    assert_eq!(core[4..6], ["0", "0"], "{core:?}");
    // `nsenter` ends by the signal that ends its child, and would leave a core file of its own.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let parent = stat
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.split(' ').nth(1)?.parse().ok());
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let parent = Pid::from_raw(parent.expect("it has a parent"));
    prlimit(parent, Resource::Core, none).expect("root may set limits");
    let folder = fs::read_link(format!("/proc/{pid}/cwd")).expect("it has one");
    // The key is there, and so it was a core that would have been worth something.
    let pem = keys::pem("rsa-2048.key");
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text);
    let der = der.expect("it is base64");
    let held = memory::find(pid, &der[400..424]).expect("root may look");
    assert!(!held.is_empty());
    let names = |folder: &std::path::Path| -> Vec<String> {
        let entries = fs::read_dir(folder).expect("it is there");
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.filter(|name| name.contains("core")).collect()
    };
    let temporary = names(std::path::Path::new("/tmp"));
    let killed = Command::new("kill")
        .args(["-ABRT", &pid.to_string()])
        .status();
    assert!(killed.is_ok_and(|status| status.success()));
    let ended = site.controller.wait_until_it_ends();
    assert_ne!(ended.code, Some(0));
    assert_eq!(names(&folder), [] as [String; 0]);
    assert_eq!(names(std::path::Path::new("/tmp")), temporary);
}
