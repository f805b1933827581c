//! What cannot be made: each with its reason, and healed by what mends it.

use seal_api::Scope;
use seal_tests::cluster::find_condition;
use serde_json::{Value, json};

use crate::site::{EVERYWHERE, Site, base64};

fn everywhere(test: impl Fn(&Site)) {
    for manifests in EVERYWHERE {
        test(&Site::new(manifests));
    }
}

#[test]
fn moves_and_wider_scopes_are_refused_each_with_its_reason() {
    everywhere(|site| {
        let strict = |name: &str| {
            let mut moved = site.sealed("db", &[("password", "x")]);
            moved["metadata"]["name"] = name.into();
            moved
        };
        site.api().apply(&strict("moved"));
        let message = site.stalled("moved", "SealedForAnotherName");
        assert!(
            message.contains(&format!("sealed for {}/db", site.apps)),
            "{message}"
        );

        let mut wider = strict("wider");
        wider["metadata"]["annotations"]["sealedsecrets.bitnami.com/cluster-wide"] = "true".into();
        site.api().apply(&wider);
        site.stalled("wider", "SealedForAnotherScope");

        let mut other = site.sealed_for(Scope::NamespaceWide, "elsewhere", &[("password", "x")]);
        other["metadata"]["namespace"] = site.system.as_str().into();
        site.api().apply(&other);
        site.controller.wait_for("it is refused", |_| {
            let path = seal_tests::cluster::sealed_secret(&site.system, "elsewhere");
            let object = site.api().get(&path).body;
            let stalled = find_condition(&object, "Stalled").cloned();
            stalled.filter(|found| found["reason"] == "SealedForAnotherNamespace")
        });
        for name in ["moved", "wider"] {
            assert_eq!(site.secret(name).status, 404, "{name}");
        }
    });
}

#[test]
fn items_swapped_within_an_object_and_edited_templates_open_as_upstream_requires() {
    everywhere(|site| {
        let mut sealed = site.sealed("db", &[("one", "1"), ("two", "2")]);
        let (one, two) = (
            sealed["spec"]["encryptedData"]["one"].clone(),
            sealed["spec"]["encryptedData"]["two"].clone(),
        );
        sealed["spec"]["encryptedData"] = json!({"one": two, "two": one});
        sealed["spec"]["template"]["metadata"]["labels"] = json!({"edited": "yes"});
        site.api().apply(&sealed);
        let secret = site.secret_that("db", "is made", |_| true);
        assert_eq!(
            secret["data"],
            json!({"one": base64("2"), "two": base64("1")})
        );
        assert_eq!(secret["metadata"]["labels"]["edited"], "yes");
    });
}

#[test]
fn an_update_that_does_not_open_keeps_the_secret_and_says_so_and_a_new_fault_is_told_anew() {
    everywhere(|site| {
        site.with_db("right");
        site.synced("db");
        let mut broken = site.sealed("db", &[("password", "new")]);
        broken["spec"]["encryptedData"]["password"] = "AgB=".into();
        site.api().apply(&broken);
        let first = site.stalled("db", "MalformedItem");
        let mut foreign = site.sealed("other", &[("password", "new")]);
        foreign["metadata"]["name"] = "db".into();
        site.api().apply(&foreign);
        let second = site.stalled("db", "SealedForAnotherName");
        assert_ne!(first, second);
        assert_eq!(site.secret("db").body["data"]["password"], base64("right"));
        let event = site
            .controller
            .wait_for_event(&site.apps, "db", "ErrUnsealFailed");
        assert!(
            event["message"]
                .as_str()
                .unwrap()
                .contains("Failed to unseal"),
            "{event}"
        );
    });
}

#[test]
fn a_secret_of_somebody_else_is_left_alone_until_it_goes_or_is_handed_over() {
    everywhere(|site| {
        let theirs = |name: &str| {
            json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"theirs": "x"},
                "metadata": {"name": name, "namespace": site.apps}})
        };
        for name in ["goes", "handed", "patched"] {
            site.api().apply(&theirs(name));
            site.api().apply(&site.sealed(name, &[("ours", "y")]));
            let message = site.stalled(name, "NotManaged");
            assert!(
                message.contains("already exists and is not managed"),
                "{message}"
            );
            site.controller
                .wait_for_event(&site.apps, name, "ErrUpdateFailed");
            assert_eq!(
                site.secret(name).body["data"],
                json!({"theirs": base64("x")})
            );
        }
        site.api().delete(&site.secret_path("goes"));
        site.synced("goes");
        let annotate = |name: &str, annotation: &str| {
            let annotation = format!("sealedsecrets.bitnami.com/{annotation}");
            let change = json!({"metadata": {"annotations": {annotation: "true"}}});
            site.api().patch(&site.secret_path(name), &change);
        };
        annotate("handed", "managed");
        site.synced("handed");
        let handed = site.secret("handed").body;
        assert_eq!(handed["data"], json!({"ours": base64("y")}));
        assert_eq!(handed["metadata"]["ownerReferences"][0]["name"], "handed");
        assert!(handed["metadata"]["annotations"].is_null());
        annotate("patched", "patch");
        site.synced("patched");
        let patched = site.secret("patched").body;
        assert_eq!(
            patched["data"],
            json!({"ours": base64("y"), "theirs": base64("x")})
        );
        assert!(patched["metadata"]["ownerReferences"].is_null());
    });
}

#[test]
fn an_immutable_secret_and_another_type_are_final_and_deleting_the_secret_is_the_way_out() {
    everywhere(|site| {
        let mut sealed = site.sealed("fixed", &[("password", "one")]);
        sealed["spec"]["template"]["immutable"] = true.into();
        site.api().apply(&sealed);
        site.synced("fixed");
        assert_eq!(site.secret("fixed").body["immutable"], true);
        let mut next = site.sealed("fixed", &[("password", "two")]);
        next["spec"]["template"]["immutable"] = true.into();
        site.api().apply(&next);
        let message = site.stalled("fixed", "ImmutableSecret");
        assert!(
            message.contains("the target Secret is immutable"),
            "{message}"
        );
        site.api().delete(&site.secret_path("fixed"));
        site.synced("fixed");
        assert_eq!(site.secret("fixed").body["data"]["password"], base64("two"));

        site.with_db("one");
        let mut typed = site.sealed("db", &[("password", "one")]);
        typed["spec"]["template"]["type"] = "example.com/other".into();
        site.api().apply(&typed);
        let message = site.stalled("db", "SecretRefused");
        assert!(
            message.contains("field is immutable; delete the Secret"),
            "{message}"
        );
        site.api().delete(&site.secret_path("db"));
        site.synced("db");
        assert_eq!(site.secret("db").body["type"], "example.com/other");
    });
}

#[test]
fn a_quota_that_is_raised_lets_the_secret_through() {
    everywhere(|site| {
        let quota = |secrets: &str| {
            json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few", "namespace": site.apps},
                "spec": {"hard": {"count/secrets": secrets}}})
        };
        site.api().apply(&quota("0"));
        let path = format!("/api/v1/namespaces/{}/resourcequotas/few", site.apps);
        site.controller
            .wait_for_object(&path, "the quota is known", |quota| {
                quota["status"]["hard"]["count/secrets"] == "0"
            });
        site.api().apply(&site.sealed("db", &[("password", "one")]));
        let message = site.condition("db", "Reconciling", "True", "WriteForbidden");
        assert!(message.contains("exceeded quota"), "{message}");
        site.api().apply(&quota("9"));
        site.synced("db");
    });
}

#[test]
fn a_policy_that_repeats_a_value_is_not_passed_on_and_the_secret_is_made_when_it_goes() {
    everywhere(refused_by_a_policy);
}

fn refused_by_a_policy(site: &Site) {
    let group = "admissionregistration.k8s.io/v1";
    let policy = json!({
        "apiVersion": group, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": site.apps},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["secrets"],
            }]},
            "validations": [{
                "expression": "object.metadata.name != 'db'",
                "messageExpression": "'refused: ' + string(object.data['password'])",
            }],
        },
    });
    let binding = json!({
        "apiVersion": group, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": site.apps},
        "spec": {"policyName": site.apps, "validationActions": ["Deny"], "matchResources": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": site.apps}},
        }},
    });
    site.api().apply(&policy);
    site.api().apply(&binding);
    let collection = format!("/api/v1/namespaces/{}/secrets", site.apps);
    site.controller.wait_for("the policy works", |_| {
        let probe = json!({"metadata": {"name": "db"}, "stringData": {"password": "x"}});
        let answer = site.api().create(&collection, &probe);
        if answer.status == 201 {
            site.api().delete(&site.secret_path("db"));
        }
        (answer.status >= 400).then_some(())
    });
    site.api()
        .apply(&site.sealed("db", &[("password", "marker-of-a-value")]));
    site.condition("db", "Reconciling", "True", "WriteForbidden");
    let object = site.api().get(&site.sealed_path("db")).body;
    let everything = format!(
        "{object}{:?}{}",
        site.controller.events_of(&site.apps, "SealedSecret", "db"),
        site.controller.log()
    );
    assert!(!everything.contains("marker-of-a-value"), "{everything}");
    assert!(
        !everything.contains(&base64("marker-of-a-value")),
        "{everything}"
    );
    let bindings = format!("/apis/{group}/validatingadmissionpolicybindings");
    let path = format!("{bindings}/{}", site.apps);
    assert_eq!(site.api().delete(&path).status, 200);
    site.synced("db");
}

#[test]
fn odd_types_many_items_long_names_and_a_large_object_hide_no_other() {
    everywhere(|site| {
        let collection = site.sealed_path("");
        // What the definition leaves open; values that are no strings the API server refuses itself.
        let odd = |name: &str, spec: Value| {
            let object = json!({"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
                "metadata": {"name": name, "namespace": site.apps}, "spec": spec});
            let created = site.api().create(collection.trim_end_matches('/'), &object);
            assert_eq!(created.status, 201, "{}", created.body);
        };
        odd(
            "odd",
            json!({"encryptedData": {"a": "", "b": " not base64 ", "c": "AgB="}}),
        );
        odd(
            "meta",
            json!({"encryptedData": {}, "template": {"metadata": {"creationTimestamp": null, "whatever": [1, {"x": 2}], "name": "other"}}}),
        );
        let long = "n".repeat(253);
        site.api().apply(&site.sealed(&long, &[("password", "x")]));
        let names: Vec<String> = (0..1000).map(|number| format!("item-{number}")).collect();
        let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
        let mut many = site.sealed("many", &many);
        many["metadata"]["annotations"] = json!({});
        site.api().apply(&many);
        let mut large = site.sealed("large", &[("password", &"x".repeat(700_000))]);
        large["metadata"]["annotations"] = json!({});
        site.api().apply(&large);
        site.stalled("odd", "MalformedItem");
        site.synced("meta");
        for name in [long.as_str(), "many", "large"] {
            site.synced(name);
        }
        assert_eq!(
            site.secret("many").body["data"]
                .as_object()
                .map(serde_json::Map::len),
            Some(1000)
        );
        site.with_db("right");
    });
}

#[test]
fn a_namespace_that_is_being_deleted_ends_without_a_fight() {
    everywhere(|site| {
        site.with_db("right");
        let path = format!("/api/v1/namespaces/{}", site.apps);
        assert_eq!(site.api().delete(&path).status, 200);
        site.controller.wait_for("the namespace is gone", |_| {
            (site.api().get(&path).status == 404).then_some(())
        });
    });
}

#[test]
fn an_object_that_is_nested_more_deeply_than_can_be_read_is_told_of_and_hides_no_other() {
    for manifests in EVERYWHERE {
        let mut site = Site::new(manifests);
        let nested = (0..1_000).fold(json!(1), |inner, _| json!({"a": inner}));
        let mut deep = site.sealed("deep", &[("password", "x")]);
        deep["spec"]["template"]["metadata"]["nested"] = nested;
        let path = site.sealed_path("");
        let created = site.api().create(path.trim_end_matches('/'), &deep);
        assert_eq!(created.status, 201);
        // Here it cannot be read either.
        site.controller.wait_for("its status says so", |_| {
            let answer = site.api().get(&site.sealed_path("deep")).body;
            let text = answer.as_str().unwrap_or_default();
            text.contains(r#""reason":"InvalidObject""#).then_some(())
        });
        site.with_db("one");
        site.controller.restart();
        site.api().apply(&site.sealed("db", &[("password", "two")]));
        site.secret_that("db", "has the new value", |secret| {
            secret["data"]["password"] == base64("two")
        });
        assert_eq!(site.secret("deep").status, 404);
    }
}
