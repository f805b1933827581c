//! From the Go project's controller to ours and back, with objects in every state.

mod beside;
mod ground;
mod side_by_side;
mod states;

use std::collections::BTreeSet;

use seal_tests::{
    cluster::{Controller, Manifests},
    control_plane::ControlPlane,
    programs::Program,
    scratch::Scratch,
};
use serde_json::{Value, json};

use crate::{
    migrate,
    site::{base64, put_key},
};

use ground::{CONFIG_MAP, Ground, SYSTEM};
use states::State;

#[test]
fn objects_in_every_state_are_handed_over_and_back_where_only_the_image_changes() {
    switches(Manifests::Chart);
}

#[test]
fn objects_in_every_state_are_handed_over_and_back_where_our_manifests_are_applied_over_upstreams()
{
    switches(Manifests::Ours);
}

fn switches(manifests: Manifests) {
    let plane = ControlPlane::start();
    let mut ground = Ground::new(&plane, manifests);
    let mut controller = ground.roll_out(Program::UpstreamController);
    let mut states = ground.states("upstream");
    ground.create(&states);
    ground
        .api()
        .apply(&ground.sealed("changing", &[("user", "nobody")]));
    ground.wait_until_seen(&controller, Program::UpstreamController, &states);
    ground.assert_told_by_upstream(&controller, &states);
    ground.assert_data(&states);
    let changing = ground.secret("changing").expect("it is made");
    let edited = ground.edit("edited", &controller);
    // What is not told before a switch is not different after it.
    let different = states
        .iter()
        .filter(|state| state.is_synced != (state.reason == "Unsealed"))
        .map(|state| state.name.clone());
    // One fails under both, and under ours from the second start on; one is made right.
    let unowned = ["upstream-unowned", "edited"].map(str::to_owned);
    let expected: BTreeSet<String> = different.chain(unowned).collect();
    assert_eq!(ground.would_be_different(), expected);
    let rounds = [
        Program::Controller,
        Program::UpstreamController,
        Program::Controller,
        Program::UpstreamController,
    ];
    for (round, program) in rounds.into_iter().enumerate() {
        let mut before = ground.secrets(&states);
        let next = ground.roll_out(program);
        // Both run beside each other until the old one is told to end.
        let value = format!("user-{round}");
        ground
            .api()
            .apply(&ground.sealed("changing", &[("user", &value)]));
        let ended = controller.stop();
        assert_eq!(ended.code, Some(0), "{}", ended.log);
        controller = next;
        controller.wait_for_secret_that(&ground.apps, "changing", "is followed", |secret| {
            secret["data"]["user"] == base64(&value)
        });
        ground.wait_until_seen(&controller, program, &states);
        // What only upstream makes it makes when it comes; nothing else is written.
        for (name, secret) in &mut before {
            if secret.is_none() && name.ends_with("-rendered") && !program.is_ours() {
                *secret = ground.secret(name);
            }
        }
        let after = ground.secrets(&states);
        for (name, before) in &before {
            assert_eq!(after[name], *before, "{name}\n{}", controller.tail());
        }
        let repaired = ground.secret("edited").expect("it is there");
        assert_eq!(repaired["data"], edited["data"]);
        assert_eq!(repaired["metadata"]["uid"], edited["metadata"]["uid"]);
        let secret = ground.secret("changing").expect("it is there");
        for field in ["uid", "ownerReferences", "labels", "annotations"] {
            assert_eq!(
                secret["metadata"][field], changing["metadata"][field],
                "{field}"
            );
        }
        if program.is_ours() {
            ground.assert_told_by_ours(&controller, &states, &[]);
            let is_offered = manifests == Manifests::Ours;
            let served = is_offered.then(|| controller.certificate());
            assert_eq!(ground.certificate_map(), served);
        } else {
            ground.goes_back();
            ground.assert_told_by_upstream(&controller, &states);
            ground.assert_data(&states);
        }
        if round == 0 {
            let new = ground.states("ours");
            ground.create(&new);
            ground.wait_until_seen(&controller, program, &new);
            ground.assert_told_by_ours(&controller, &new, &["ours-unowned".to_owned()]);
            states.extend(new);
        }
        if round == 2 {
            ground.heal(&controller, &mut states);
            ground.assert_told_by_ours(&controller, &states, &[]);
            ground.assert_data(&states);
        }
    }
}

impl Ground<'_> {
    /// Makes a Secret and changes it by hand, and returns it as it was.
    fn edit(&self, name: &str, controller: &Controller<'_>) -> Value {
        self.api().apply(&self.sealed(name, &[("user", "alice")]));
        controller.wait_for_condition(&self.apps, name, "Synced", "True");
        let made = self.secret(name).expect("it is made");
        let path = format!("/api/v1/namespaces/{}/secrets/{name}", self.apps);
        let wrong = json!({"data": {"user": base64("edited-by-hand")}});
        assert_eq!(self.api().patch(&path, &wrong).status, 200);
        made
    }

    /// Takes out of the way what blocks, and brings the key that is missing: whoever made the object, ours goes on.
    fn heal(&self, controller: &Controller<'_>, states: &mut [State]) {
        put_key(self.plane, SYSTEM, "restored", "rsa-3072");
        for state in states {
            if state.name.ends_with("-blocked") {
                let path = format!("/api/v1/namespaces/{}/secrets/{}", self.apps, state.name);
                assert_eq!(self.api().delete(&path).status, 200);
            } else if !state.name.ends_with("-keyless") {
                continue;
            }
            (state.reason, state.is_synced) = ("Unsealed", true);
            state.data = Some(json!({"user": base64("alice")}));
            controller.wait_for_condition(&self.apps, &state.name, "Ready", "True");
        }
    }

    /// The SealedSecrets of which it is told, before a switch, that something would be different.
    fn would_be_different(&self) -> BTreeSet<String> {
        let scratch = Scratch::new();
        let run = migrate::seal(self.plane, &scratch, &["check", "--format=json"])
            .finish()
            .exits(3);
        let findings = run.out().lines().map(|line| {
            let finding: Value = serde_json::from_str(line).expect("it writes JSON");
            assert_eq!(finding["kind"], "SealedSecret", "{finding}");
            finding["name"].as_str().expect("it has a name").to_owned()
        });
        findings.collect()
    }

    /// Takes out what is ours, which is in the statuses and in a ConfigMap, and nowhere else.
    fn goes_back(&self) {
        let scratch = Scratch::new();
        let declared = |name: &str| {
            let object = self.object(name);
            let metadata = &object["metadata"];
            ["uid", "generation", "labels", "annotations", "finalizers"]
                .map(|field| metadata[field].clone())
        };
        let before = declared("changing");
        let dry = migrate::seal(self.plane, &scratch, &["back", "--dry-run"])
            .finish()
            .exits(0);
        let mut run = migrate::seal(self.plane, &scratch, &["back"])
            .finish()
            .exits(0);
        let of_ours = [
            format!("the ConfigMap {SYSTEM}/{CONFIG_MAP}"),
            format!("the Secret {SYSTEM}/sealed-secrets-controller-record-key"),
            format!("the Lease {SYSTEM}/sealed-secrets-controller"),
        ];
        for what in of_ours {
            if self.manifests == Manifests::Ours {
                let would = format!("{what} would be deleted");
                assert!(dry.out().contains(&would), "{}", dry.out());
                run = run.says(&format!("{what} deleted"));
            } else {
                assert!(!dry.out().contains(&what), "{}", dry.out());
            }
        }
        assert_eq!(self.certificate_map(), None);
        let named = [
            "back",
            "--controller-name=sealed-secrets-controller",
            "--controller-namespace=kube-system",
        ];
        migrate::seal(self.plane, &scratch, &named)
            .finish()
            .exits(0)
            .says("0 statuses changed");
        assert_eq!(declared("changing"), before);
    }
}
