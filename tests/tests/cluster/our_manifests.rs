//! What `deploy/manifests/` gives, and to whom.

use std::collections::BTreeSet;

use seal_tests::{
    cluster::{
        Installation, Manifests, Setup, install, install_objects, may, namespace, rights, seal,
        shared,
    },
    control_plane::ControlPlane,
    programs::Program,
};
use serde_json::json;

const NAME: &str = "sealed-secrets-controller";
const CERTIFICATE: &str = "sealed-secrets-controller-certificate";
/// What the controller may do with SealedSecrets and Secrets, and where: group, resource, verbs.
const UNSEALER: [(&str, &str, &[&str]); 4] = [
    ("bitnami.com", "sealedsecrets", &["get", "list", "watch"]),
    ("bitnami.com", "sealedsecrets/status", &["update"]),
    ("", "secrets", &["create", "get", "list", "update", "watch"]),
    ("", "events", &["create"]),
];
/// What would be too much.
const NEVER: [(&str, &str, &[&str]); 7] = [
    (
        "bitnami.com",
        "sealedsecrets",
        &["create", "delete", "patch", "update"],
    ),
    ("bitnami.com", "sealedsecrets/status", &["patch"]),
    ("", "secrets", &["delete", "deletecollection", "patch"]),
    ("", "configmaps", &["list", "watch", "delete"]),
    ("", "pods", &["get", "list", "create"]),
    (
        "coordination.k8s.io",
        "leases",
        &["list", "watch", "patch", "delete"],
    ),
    ("", "namespaces", &["get", "list"]),
];

#[test]
fn every_right_is_given_and_no_other() {
    let plane = ControlPlane::start();
    let installation = install(&plane, &Setup::ours());
    let account = format!("system:serviceaccount:kube-system:{NAME}");
    let controller = |verb, kind, place| may(&plane, (&account, &[]), verb, kind, place);
    // Everywhere, and not only where it is installed.
    for (group, resource, verbs) in UNSEALER {
        for verb in verbs {
            assert!(
                controller(verb, (group, resource), ("", "")),
                "{verb} {resource}"
            );
        }
    }
    for (group, resource, verbs) in NEVER {
        for verb in verbs {
            let allowed = controller(verb, (group, resource), ("kube-system", ""));
            assert!(!allowed, "{verb} {resource}");
        }
    }
    certificate_is_offered(&plane, &account, "kube-system");
    let objects = Setup::ours().objects();
    let given: BTreeSet<_> = rights(&objects)
        .into_iter()
        .filter(|right| right.kind == "ClusterRole")
        .map(|right| (right.group, right.resource, right.verb))
        .collect();
    let meant: BTreeSet<_> = UNSEALER
        .iter()
        .flat_map(|(group, resource, verbs)| {
            verbs.iter().map(|verb| {
                let texts = [*group, *resource, *verb].map(str::to_owned);
                let [group, resource, verb] = texts;
                (group, resource, verb)
            })
        })
        .collect();
    assert_eq!(given, meant);
    it_works(&plane, &installation, "shop");
}

#[test]
fn the_namespaced_form_has_rights_in_the_namespaces_it_is_told_and_nowhere_else() {
    let plane = shared(Manifests::Ours);
    let (system, apps) = (namespace(plane, "system"), namespace(plane, "apps"));
    let setup = Setup::ours()
        .namespace(&system)
        .watching([&apps])
        .namespaced_roles();
    let objects = setup.objects();
    let kinds: Vec<_> = objects
        .iter()
        .filter_map(|object| object["kind"].as_str())
        .collect();
    assert!(
        !kinds.iter().any(|kind| kind.starts_with("ClusterRole")),
        "{kinds:?}"
    );
    let installation = install_objects(plane, &system, objects);
    let account = format!("system:serviceaccount:{system}:{NAME}");
    for (group, resource, verbs) in UNSEALER {
        for verb in verbs {
            let controller =
                |place| may(plane, (&account, &[]), verb, (group, resource), (place, ""));
            assert!(controller(&apps), "{verb} {resource}");
            assert!(controller(&system), "{verb} {resource}");
            assert!(!controller("default"), "{verb} {resource}");
        }
    }
    certificate_is_offered(plane, &account, &system);
    let controller = installation.run(Program::Controller);
    let sealed = seal(&controller.certificate(), &apps, "db", &[("user", "alice")]);
    plane.api().apply(&sealed);
    controller.wait_for_secret(&apps, "db");
    controller.wait_for_condition(&apps, "db", "Synced", "True");
}

#[test]
fn ours_is_applied_over_upstreams_and_takes_its_rights_to_delete() {
    let plane = ControlPlane::start();
    install(&plane, &Setup::upstream_static());
    let account = format!("system:serviceaccount:kube-system:{NAME}");
    let may_delete = || may(&plane, (&account, &[]), "delete", ("", "secrets"), ("", ""));
    assert!(may_delete());
    let installation = install(&plane, &Setup::ours());
    assert!(!may_delete());
    // Nothing changes back either.
    install(&plane, &Setup::upstream_static());
    assert!(may_delete());
    assert_eq!(installation.name(), NAME);
}

#[test]
fn the_pod_is_let_in_where_only_restricted_ones_are() {
    let plane = shared(Manifests::Ours);
    let system = namespace(plane, "restricted");
    let label =
        json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    let labelled = plane
        .api()
        .patch(&format!("/api/v1/namespaces/{system}"), &label);
    assert_eq!(labelled.status, 200, "{labelled:?}");
    let setup = Setup::ours().namespace(&system).namespaced_roles();
    let mut controller = install(plane, &setup).run(Program::Controller);
    assert_eq!(controller.liveness().status, 200);
    let ended = controller.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
}

/// The ConfigMap with the certificate, and the Service, are for every authenticated user; nobody else's is.
fn certificate_is_offered(plane: &ControlPlane, account: &str, system: &str) {
    let maps = ("", "configmaps");
    let leases = ("coordination.k8s.io", "leases");
    for verb in ["get", "update"] {
        let lease = |name| may(plane, (account, &[]), verb, leases, (system, name));
        assert!(lease(NAME) && !lease("other"), "{verb}");
    }
    assert!(may(plane, (account, &[]), "create", leases, (system, "")));
    assert!(!may(
        plane,
        (account, &[]),
        "create",
        leases,
        ("default", "")
    ));
    for verb in ["get", "update"] {
        assert!(
            may(plane, (account, &[]), verb, maps, (system, CERTIFICATE)),
            "{verb}"
        );
        assert!(
            !may(plane, (account, &[]), verb, maps, (system, "other")),
            "{verb}"
        );
    }
    assert!(may(plane, (account, &[]), "create", maps, (system, "")));
    assert!(!may(plane, (account, &[]), "create", maps, ("default", "")));
    let anybody = ("alice", &["system:authenticated"][..]);
    let nobody = ("system:anonymous", &["system:unauthenticated"][..]);
    let proxied = format!("http:{NAME}:http");
    let allowed = [
        ("get", maps, CERTIFICATE),
        ("get", ("", "services"), NAME),
        ("get", ("", "services/proxy"), &proxied),
        ("create", ("", "services/proxy"), &proxied),
    ];
    for (verb, kind, name) in allowed {
        assert!(
            may(plane, anybody, verb, kind, (system, name)),
            "{verb} {name}"
        );
        assert!(
            !may(plane, nobody, verb, kind, (system, name)),
            "{verb} {name}"
        );
    }
    let refused = [
        ("update", maps, CERTIFICATE),
        ("get", maps, "other"),
        ("get", ("", "secrets"), "any"),
        ("get", ("", "services/proxy"), "other"),
    ];
    for (verb, kind, name) in refused {
        assert!(
            !may(plane, anybody, verb, kind, (system, name)),
            "{verb} {name}"
        );
    }
}

/// From the SealedSecret to the Secret, with the rights there are.
fn it_works(plane: &ControlPlane, installation: &Installation<'_>, prefix: &str) {
    let controller = installation.run(Program::Controller);
    let shop = namespace(plane, prefix);
    let certificate = controller.certificate();
    let sealed = seal(&certificate, &shop, "db", &[("user", "alice")]);
    plane.api().apply(&sealed);
    controller.wait_for_secret(&shop, "db");
    controller.wait_for_condition(&shop, "db", "Synced", "True");
    controller.wait_for_event(&shop, "db", "Unsealed");
    let path = format!("/api/v1/namespaces/kube-system/configmaps/{CERTIFICATE}");
    controller.wait_for_object(&path, "holds the certificate", |map| {
        map["data"]["tls.crt"] == *certificate
    });
}
