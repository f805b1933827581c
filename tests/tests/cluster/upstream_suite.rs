//! Upstream's own integration tests as a judge.

use std::os::unix::fs::symlink;

use seal_tests::{
    cluster::{Setup, install, upstream_suite},
    control_plane::ControlPlane,
    programs::Program,
    scratch::Scratch,
};

/// The specs of the suite.
const SPECS: usize = 41;

#[test]
fn upstream_passes_its_own_suite() {
    let plane = ControlPlane::start();
    let controller = install(&plane, &Setup::chart()).run(Program::UpstreamController);
    let kubeseal = Program::Kubeseal.path();
    let version = Program::UpstreamController.path();
    upstream_suite::run(&controller, &kubeseal, &version).expect(SPECS, &[]);
}

/// What a controller that acts at once fails, nearly always: a Secret is deleted while its SealedSecret is still there, and must not be
/// made again within 100 ms. Upstream's client is slowed down, which is all that lets it pass.
const TOO_PROMPT: [&str; 2] = [
    "create / Secret Recreation / With unowned secret with patch annotation / should not recreate the secret",
    "create / Secret Recreation / With unowned secret without managed annotation / should not recreate the secret",
];

/// Our CRD gives a SealedSecret a status when it is made (`observedGeneration: -1`). These specs wait for any status as a
/// sign that the controller has been there, and update the object then: too early where it has not, so that the update is in
/// vain, or comes before the Secret that it should meet.
const STATUS_FROM_THE_START: [&str; 2] = [
    "create / Simple change / With existing object (update) / should produce updated Secret",
    "create / Immutable Secret Error / should record update failure as an event",
];

#[test]
fn ours_passes_upstreams_suite_in_upstreams_deployment() {
    ours_passes(&Setup::chart(), &TOO_PROMPT);
}

#[test]
fn ours_passes_upstreams_suite_in_our_deployment() {
    ours_passes(
        &Setup::ours(),
        &[TOO_PROMPT, STATUS_FROM_THE_START].concat(),
    );
}

fn ours_passes(setup: &Setup, but_for: &[&str]) {
    let plane = ControlPlane::start();
    let controller = install(&plane, setup).run(Program::Controller);
    let version = Program::Controller.path();
    // What `seal` is, it is by the name it is called. It is recorded as other runs are.
    let scratch = Scratch::new();
    let kubeseal = scratch.path().join("kubeseal");
    symlink(env!("CARGO_BIN_EXE_recorded-seal"), &kubeseal).expect("the folder is ours");
    upstream_suite::run(&controller, &kubeseal, &version).expect(SPECS, but_for);
}
