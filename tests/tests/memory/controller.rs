//! The controller keeps no opened value between two passes: after each, nothing is in its memory, the stacks included.

use std::fs;

use base64::{Engine, engine::general_purpose::STANDARD};
use seal_envelope::Label;
use seal_sealing::Secret;
use seal_tests::{keys, run::Running, scratch::Scratch};
use serde_json::json;

use crate::{
    process::{found, wait_until_still},
    samples::{MARKER, certificate, holds_marker, key_secret, sealed, secret, to_yaml, values},
};

struct Controller {
    scratch: Scratch,
    running: Running,
}

impl Controller {
    /// Starts it in a folder with a key and what `prepare` puts there.
    fn start(prepare: impl FnOnce(&Scratch)) -> Self {
        let scratch = Scratch::new();
        scratch.write("store/keys/fixed.yaml", key_secret().to_string());
        prepare(&scratch);
        let flags = ["--directory", "store", "--listen-addr", "127.0.0.1:0"];
        let run = scratch.controller(flags).args(["--key-renew-period", "0"]);
        let mut running = run.start();
        running.wait_for("looked at all SealedSecrets");
        Self { scratch, running }
    }

    fn put(&self, name: &str, text: &str) {
        self.scratch.write(format!("store/{name}"), text);
    }

    fn seal(&self, secret: &Secret) {
        let name = format!("sealed/app/{}.yaml", secret.name());
        self.put(&name, &to_yaml(&sealed(secret)));
    }

    /// The text of a file in the store; empty where there is none.
    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.scratch.path().join("store").join(name)).unwrap_or_default()
    }

    #[track_caller]
    fn wait_for(&mut self, what: &str, holds: impl Fn(&Scratch) -> bool) {
        let scratch = &self.scratch;
        self.running.wait_until(what, |_| holds(scratch));
    }

    /// Waits until the Secret's file holds a text.
    #[track_caller]
    fn wait_for_secret(&mut self, name: &str, text: &str) {
        let file = format!("store/secrets/app/{name}.yaml");
        self.wait_for(text, |scratch| {
            let content = fs::read_to_string(scratch.path().join(&file));
            content.is_ok_and(|content| content.contains(text))
        });
    }

    /// Asserts that no value is in the process.
    #[track_caller]
    fn holds_nothing(&self) {
        wait_until_still(self.running.pid());
        assert_eq!(found(self.running.pid(), MARKER), [] as [&str; 0]);
    }

    /// Asserts that the search would have found what is there, and stops.
    #[track_caller]
    fn stop(self) {
        assert_ne!(found(self.running.pid(), KNOWN), [] as [&str; 0]);
        self.running.stop().exits(0).never_shows(MARKER);
    }
}

/// A name that the controller remembers.
const KNOWN: &str = "name-that-is-known";

/// A SealedSecret whose name the controller remembers.
fn known(scratch: &Scratch) {
    let object = sealed(&secret(KNOWN, &values()[..1]));
    scratch.write("store/sealed/app/known.yaml", to_yaml(&object));
}

#[test]
fn nothing_is_left_after_secrets_are_made_changed_repaired_and_deleted() {
    let mut controller = Controller::start(|scratch| {
        known(scratch);
        for (number, value) in values().into_iter().enumerate() {
            let object = sealed(&secret(&format!("db{number}"), &[value.clone(), value]));
            scratch.write(
                format!("store/sealed/app/db{number}.yaml"),
                to_yaml(&object),
            );
        }
    });
    assert!(holds_marker(
        controller.text("secrets/app/db0.yaml").as_bytes()
    ));
    controller.holds_nothing();

    // One alone, which is opened by another thread than several.
    let mut one = secret("db1", &values());
    one.set_strings("labels", [("made".to_owned(), "again".to_owned())].into());
    controller.seal(&one);
    controller.wait_for_secret("db1", "made: again");
    controller.holds_nothing();

    // A new one beside it.
    controller.seal(&secret("new", &values()));
    controller.wait_for_secret("new", "name: new");
    controller.holds_nothing();

    // Somebody writes another value into the Secret.
    let right = controller.text("secrets/app/db1.yaml");
    let drifted = right.replacen("  a: ", "  drifted: bWs3ZDIxYzVlMDli\n  a: ", 1);
    assert!(drifted != right && holds_marker(drifted.as_bytes()));
    controller.put("secrets/app/db1.yaml", &drifted);
    controller.wait_for("the Secret is repaired", |scratch| {
        scratch.read("store/secrets/app/db1.yaml") == right
    });
    controller.holds_nothing();

    // The Secret is lost.
    fs::remove_file(controller.scratch.path().join("store/secrets/app/db2.yaml")).unwrap();
    controller.wait_for_secret("db2", "name: db2");
    controller.holds_nothing();

    // The SealedSecret is deleted, and its Secret with it.
    fs::remove_file(controller.scratch.path().join("store/sealed/app/db3.yaml")).unwrap();
    controller.wait_for("the Secret is deleted", |scratch| {
        !scratch.path().join("store/secrets/app/db3.yaml").exists()
    });
    controller.holds_nothing();
    controller.stop();
}

#[test]
fn nothing_is_left_of_what_failed_or_was_left_alone() {
    let controller = Controller::start(|scratch| {
        known(scratch);
        let put = |name: &str, text: &str| scratch.write(format!("store/{name}"), text);
        // A Secret of somebody else, and the SealedSecret that would replace it.
        let mut foreign = secret("foreign", &values());
        put("sealed/app/foreign.yaml", &to_yaml(&sealed(&foreign)));
        foreign
            .data
            .insert("theirs".to_owned(), MARKER.as_bytes().into());
        put("secrets/app/foreign.yaml", &to_yaml(&foreign));
        // A Secret in cleartext where SealedSecrets belong, and one that cannot be read.
        put(
            "sealed/cleartext.yaml",
            &to_yaml(&secret("cleartext", &values())),
        );
        put(
            "sealed/broken.yaml",
            &format!("kind: Secret\ndata: [{MARKER}\nx: \"{MARKER}"),
        );
        // Templates that fail and that do not, and a type that is not allowed.
        for (name, text) in [
            ("fails", "{{ fail (printf `%v %q` . .a | b64enc | upper) }}"),
            (
                "rendered",
                "{{ range $key, $value := . }}{{ $key }}={{ $value | quote | trimAll `\"` | indent 2 }}{{ end }}{{ len (toJson .) }}",
            ),
        ] {
            let mut object = sealed(&secret(name, &values()));
            let texts = [("url".to_owned(), Some(text.to_owned()))].into();
            object.spec.template.as_mut().unwrap().data = Some(texts);
            put(&format!("sealed/app/{name}.yaml"), &to_yaml(&object));
        }
        let mut object = sealed(&secret("token", &values()));
        let type_ = "kubernetes.io/service-account-token".to_owned();
        object.spec.template.as_mut().unwrap().type_ = Some(type_);
        put("sealed/app/token.yaml", &to_yaml(&object));
        // The deprecated form, whole and broken.
        for (name, inner) in [
            ("legacy", json!({"stringData": {"a": MARKER}}).to_string()),
            (
                "legacy-broken",
                format!("{{\"stringData\": {{\"a\": \"{MARKER}\""),
            ),
            ("legacy-odd", json!({"stringData": MARKER}).to_string()),
        ] {
            let label = Label::strict("app", name);
            let text = certificate().seal(inner.as_bytes(), &label).unwrap();
            let mut object = sealed(&secret(name, &[]));
            object.spec.data = Some(text.as_str().to_owned());
            put(&format!("sealed/app/{name}.yaml"), &to_yaml(&object));
        }
    });
    let status = controller.text("status/app/status.yaml");
    for reason in [
        "NotManaged",
        "TemplateFailed",
        "TypeNotAllowed",
        "InvalidLegacyData",
    ] {
        assert!(status.contains(reason), "{reason} is missing:\n{status}");
    }
    assert!(holds_marker(
        controller.text("secrets/app/legacy.yaml").as_bytes()
    ));
    controller.holds_nothing();
    controller.stop();
}

#[test]
fn of_a_sealing_key_nothing_is_left_but_its_two_forms_in_use() {
    let controller = Controller::start(known);
    wait_until_still(controller.running.pid());
    // A piece of the private exponent that lies in one line of the PEM. The RSA library holds numbers in another byte
    // order; what is found is our copy for export.
    let pem = keys::pem("rsa-2048.key");
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(text).unwrap();
    let piece = &der[400..424];
    assert_eq!(
        found(controller.running.pid(), piece),
        ["1 in the heap, as it is"]
    );
    controller.stop();
}
