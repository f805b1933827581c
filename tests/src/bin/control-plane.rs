//! Runs a control plane until it is ended, for `cargo xtask control-plane`.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::{thread, time::Duration};

use seal_tests::control_plane::ControlPlane;

fn main() {
    let plane = ControlPlane::start();
    println!("export KUBECONFIG={}", plane.kubeconfig().display());
    println!("# logs: {}; Ctrl-C ends it", plane.logs().display());
    loop {
        plane.check();
        thread::sleep(Duration::from_secs(1));
    }
}
