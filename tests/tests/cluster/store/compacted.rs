//! etcd forgets its history while the watches are cut, so that what was missed cannot be told.

use seal_tests::{
    cluster::{Asked, Fault, Proxy, Setup},
    control_plane::ControlPlane,
    long::rounds,
};
use serde_json::json;

use super::{Ground, write_much};
use crate::site::base64;

/// Whose watches are looked at: those of SealedSecrets, Secrets and keys.
const WATCHES: usize = 3;

#[test]
fn a_watch_that_comes_back_to_a_compacted_history_loses_no_change_and_opens_nothing_that_did_not() {
    // Without a memory of its own the API server has to say that what was missed is gone.
    let plane = ControlPlane::start_with(&["--watch-cache=false"]);
    let proxy = Proxy::start(&plane);
    let kubeconfig = format!("--kubeconfig={}", proxy.kubeconfig().display());
    let ground = Ground::new(&plane, &Setup::ours().args([kubeconfig]));
    for round in 0..rounds(1, 20) {
        let named = |name: &str| format!("{name}-{round}");
        let touched = ["changed", "deleted", "gone", "edited"].map(named);
        let [changed, deleted, gone, edited] = &touched;
        let same = [named("same"), named("same-too")];
        let all = || touched.iter().chain(&same);
        for name in all() {
            ground.apply(name, "one");
        }
        for name in all() {
            ground.has(name, "one");
        }
        let (before, operations) = (
            same.each_ref().map(|name| ground.versions(name)),
            ground.operations(),
        );
        ground.controller.wait_for("all watches are open", |_| {
            (proxy.under_way(Asked::is_watch) >= WATCHES).then_some(())
        });
        assert!(ground.is_counted(deleted));

        let is_watch_or_list = |asked: &Asked| asked.path.contains('?');
        proxy.misbehave(move |asked| is_watch_or_list(asked).then_some(Fault::Close));
        assert!(proxy.cut(Asked::is_watch) >= WATCHES);
        ground.apply(changed, "two");
        ground.apply(&named("new"), "one");
        ground.api().delete(&ground.sealed_path(deleted));
        ground.api().delete(&ground.secret_path(gone));
        let wrong = json!({"data": {"password": base64("wrong")}});
        ground.api().patch(&ground.secret_path(edited), &wrong);
        write_much(&ground);
        let asked = proxy.asked().len();
        plane.compact();
        proxy.behave();

        ground.has(changed, "two");
        ground.has(&named("new"), "one");
        ground.has(gone, "one");
        ground.has(edited, "one");
        ground.controller.wait_for("it is forgotten", |_| {
            (!ground.is_counted(deleted)).then_some(())
        });
        // The changed one, the new one, the Secret that was deleted and the one that was edited.
        assert_eq!(ground.operations() - operations, 4.0);
        let after = same.each_ref().map(|name| ground.versions(name));
        assert_eq!(before, after);
        // What it had to do was to list again.
        let asked = proxy.asked().split_off(asked);
        let lists = |plural: &str| {
            let is_list = |asked: &&Asked| asked.is_list() && asked.is_about(plural);
            asked.iter().filter(is_list).count()
        };
        assert!(
            lists("sealedsecrets") >= 1 && lists("secrets") >= 2,
            "{asked:?}"
        );
    }
    ground.assert_says_nothing();
}
