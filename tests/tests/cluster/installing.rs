//! The ground that scenarios stand on: installing, running and ending a controller. Upstream's is known to work.

use std::{
    env, fs,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use seal_tests::{
    cluster::{Manifests, Setup, install, may, namespace, seal, shared},
    control_plane::{ControlPlane, processes_of},
    programs::{self, Program},
    scratch::Scratch,
};

/// Upstream's controller with upstream's manifests, from the SealedSecret to everything that comes of it.
fn upstream_works(setup: &Setup) {
    let plane = ControlPlane::start();
    let mut controller = install(&plane, setup).run(Program::UpstreamController);
    assert_eq!(controller.liveness().status, 200);
    let shop = namespace(&plane, "shop");
    let certificate = controller.certificate();
    let sealed = seal(&certificate, &shop, "db", &[("user", "alice")]);
    plane.api().apply(&sealed);
    let secret = controller.wait_for_secret(&shop, "db");
    assert_eq!(secret["data"]["user"], "YWxpY2U=");
    controller.wait_for_condition(&shop, "db", "Synced", "True");
    controller.wait_for_event(&shop, "db", "Unsealed");
    let requests = "sealed_secrets_controller_unseal_requests_total";
    assert!(
        controller
            .metric(requests)
            .is_some_and(|count| count >= 1.0)
    );

    // It finds its key again, in the same pod.
    let ended = controller.restart();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert_eq!(controller.certificate(), certificate);
    assert_eq!(controller.kill().code, None);
    assert!(!controller.runs());
}

#[test]
fn upstream_works_as_its_chart_installs_it() {
    upstream_works(&Setup::chart());
}

#[test]
fn upstream_works_as_its_static_manifest_installs_it() {
    upstream_works(&Setup::upstream_static());
}

#[test]
fn two_controllers_of_one_cluster_keep_to_their_namespaces() {
    let plane = shared(Manifests::Chart);
    let tenants = ["red", "blue"].map(|colour| {
        let (system, apps) = (namespace(plane, colour), namespace(plane, colour));
        let setup = Setup::chart()
            .namespace(&system)
            .watching([&system, &apps])
            .namespaced_roles();
        let controller = install(plane, &setup).run(Program::UpstreamController);
        (controller, system, apps)
    });
    for (controller, system, apps) in &tenants {
        let sealed = seal(&controller.certificate(), apps, "db", &[("user", "alice")]);
        plane.api().apply(&sealed);
        controller.wait_for_secret(apps, "db");
        let account = format!("system:serviceaccount:{system}:sealed-secrets-controller");
        let may_read = |namespace| {
            let user = (account.as_str(), &[][..]);
            may(plane, user, "get", ("", "secrets"), (namespace, "db"))
        };
        assert!(may_read(apps));
        assert!(!may_read("default"));
    }
    let certificates = tenants
        .each_ref()
        .map(|(controller, _, _)| controller.certificate());
    assert_ne!(certificates[0], certificates[1]);
}

#[test]
fn two_pods_of_one_deployment_run_beside_each_other() {
    let plane = shared(Manifests::Chart);
    let system = namespace(plane, "two");
    let setup = Setup::chart()
        .namespace(&system)
        .watching([&system])
        .namespaced_roles()
        .replicas(2)
        .args(["--log-format=json"]);
    let installation = install(plane, &setup);
    let first = installation.run(Program::UpstreamController);
    let second = installation.run(Program::UpstreamController);
    assert_ne!(first.pod().address(), second.pod().address());
    for controller in [&first, &second] {
        assert!(controller.log().starts_with('{'), "{}", controller.tail());
        let metric = controller.metric("sealed_secrets_controller_unseal_requests_total");
        assert_eq!(metric, Some(0.0));
    }
}

#[test]
#[should_panic(expected = "the controller ended before: the readiness probe passes")]
fn a_controller_that_ends_is_told_with_its_log() {
    let plane = shared(Manifests::Chart);
    let system = namespace(plane, "broken");
    let setup = Setup::chart().namespace(&system).args(["--no-such-flag"]);
    install(plane, &setup).run(Program::UpstreamController);
}

#[test]
fn a_shared_control_plane_ends_with_its_process_though_nothing_drops_it() {
    let scratch = Scratch::new();
    let run = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "installing::two_pods_of_one_deployment_run_beside_each_other",
        ])
        .env("TMPDIR", scratch.path())
        .env(programs::BUILT, programs::folder())
        .stdout(Stdio::null())
        .status()
        .expect("this program can be run again");
    assert!(run.success());
    let folder = scratch.path();
    let is_left =
        || fs::read_dir(&folder).unwrap().count() > 0 || !processes_of(&folder).is_empty();
    let deadline = Instant::now() + Duration::from_secs(30);
    while is_left() {
        assert!(Instant::now() < deadline, "{:?}", processes_of(&folder));
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_image_has_the_program_under_every_name_that_manifests_call_it_by() {
    const IMAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/image/Containerfile");
    let image = fs::read_to_string(IMAGE).expect("the image is described");
    for setup in [Setup::chart(), Setup::upstream_static(), Setup::ours()] {
        let objects = setup.objects();
        let deployment = objects.iter().find(|object| object["kind"] == "Deployment");
        let command = deployment.and_then(|deployment| {
            deployment["spec"]["template"]["spec"]["containers"][0]["command"][0].as_str()
        });
        let command = command.expect("the manifests say what is run");
        let path = format!("/usr/local/bin/{command}");
        assert!(
            image.split(['"', ' ', '\n', ']']).any(|word| word == path),
            "{command}"
        );
    }
}
