//! Upstream's own integration tests as a judge.

use seal_tests::{
    cluster::{Setup, install, upstream_suite},
    control_plane::ControlPlane,
    programs::Program,
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
