//! A controller installed in a [`ControlPlane`] as its users install it, and run as a kubelet would run it.
//!
//! [`Setup`] says which manifests, [`install`] applies them, and [`Installation::run`] stands in for the kubelet: it takes
//! the pod that the cluster made of the Deployment, gives it a network with an address of its own, and starts a program
//! with the command, the arguments, the environment and the ServiceAccount of the pod. So what is tested is what the
//! manifests say.
//!
//! ```no_run
//! use seal_tests::{
//!     cluster::{Setup, install, namespace, seal},
//!     control_plane::ControlPlane,
//!     programs::Program,
//! };
//!
//! let plane = ControlPlane::start();
//! let controller = install(&plane, &Setup::chart()).run(Program::UpstreamController);
//! let shop = namespace(&plane, "shop");
//! plane.api().apply(&seal(&controller.certificate(), &shop, "db", &[("user", "alice")]));
//! controller.wait_for_secret(&shop, "db");
//! ```

mod controller;
mod installation;
mod inward;
mod pod;
mod proxy;
mod rbac;
mod render;
mod scenario;
mod setup;
pub mod upstream_suite;
mod webhook;

use std::sync::OnceLock;

pub use controller::{Controller, Ended};
pub use installation::{Installation, install, install_objects};
pub use pod::Pod;
pub use proxy::{Asked, Broken, Fault, Proxy};
pub use rbac::{Right, may, rights, take_away};
pub use render::kustomized;
pub use scenario::{find_condition, namespace, seal, seal_for, sealed_secret};
pub use setup::{Manifests, Setup};
pub use webhook::{Decision, Webhook};

use crate::control_plane::ControlPlane;

/// A control plane that the tests of one process share; it ends with the process. There is one for each CRD, since a
/// cluster has one CRD.
///
/// Only controllers that keep to namespaces of the test ([`Setup::watching`]) can share it: any other minds everybody's
/// SealedSecrets.
pub fn shared(manifests: Manifests) -> &'static ControlPlane {
    static OURS: OnceLock<ControlPlane> = OnceLock::new();
    static UPSTREAM: OnceLock<ControlPlane> = OnceLock::new();
    let plane = match manifests {
        Manifests::Ours => &OURS,
        Manifests::Chart | Manifests::Static => &UPSTREAM,
    };
    plane.get_or_init(ControlPlane::start)
}
