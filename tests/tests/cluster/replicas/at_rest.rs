//! What is asked for while nothing happens: nothing.

use std::{thread, time::Duration};

use seal_tests::cluster::{Asked, Manifests, Proxy, shared};

use super::Replicas;
use crate::site::put_key;

/// Long enough for some ten signs of life of whoever leads.
const A_WHILE: Duration = Duration::from_secs(8);
/// By when what was begun is written to the end.
const SETTLED: Duration = Duration::from_secs(3);

#[test]
fn two_replicas_at_rest_ask_for_nothing_but_the_lease() {
    let plane = shared(Manifests::Ours);
    let proxy = Proxy::start(plane);
    let kubeconfig = format!("--kubeconfig={}", proxy.kubeconfig().display());
    let replicas = Replicas::with(
        2,
        |system| put_key(plane, system, "given", "rsa-2048"),
        |setup| setup.args([kubeconfig, "--lease-duration=3s".to_owned()]),
        |_| {},
    );
    replicas.leader();
    replicas.apply("db", "one");
    replicas.unseals(SETTLED);
    thread::sleep(SETTLED);
    let before = proxy.asked().len();
    thread::sleep(A_WHILE);
    let asked = proxy.asked();
    let (leases, others): (Vec<&Asked>, Vec<&Asked>) = asked[before..]
        .iter()
        .partition(|asked| asked.is_about("leases"));
    assert!(leases.len() > 5, "{leases:?}");
    assert!(others.is_empty(), "{others:#?}");
}
