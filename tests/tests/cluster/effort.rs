//! What broken objects may cost.

use seal_tests::{
    cluster::{find_condition, seal},
    keys,
};

use crate::site::{EVERYWHERE, Site, base64};

/// More than there are cores, which may all be at work on one before any is counted.
const BROKEN: usize = 60;

#[test]
fn broken_objects_of_a_namespace_wait_for_the_next_minute_when_too_much_was_spent_on_them_and_others_go_on()
 {
    for manifests in EVERYWHERE {
        let site = Site::with(manifests, |setup| {
            setup.args(["--max-failing-operations=2"])
        });
        let lost = keys::pem("rsa-3072.crt");
        let names: Vec<String> = (0..BROKEN).map(|number| format!("lost-{number}")).collect();
        for name in &names {
            site.api()
                .apply(&seal(&lost, &site.apps, name, &[("a", "1"), ("b", "2")]));
        }
        let put_off = format!(
            "seal_controller_put_off_total{{namespace=\"{}\"}}",
            site.apps
        );
        site.controller
            .wait_for("some wait", |controller| controller.metric(&put_off));
        site.with_db("right");
        // Another namespace has operations of its own.
        site.api()
            .apply(&seal(&lost, &site.system, "lost", &[("a", "1")]));
        site.controller
            .wait_for_condition(&site.system, "lost", "Stalled", "True");

        let judged = names.iter().filter(|name| {
            let object = site.api().get(&site.sealed_path(name)).body;
            find_condition(&object, "Synced").is_some_and(|synced| synced["status"] == "False")
        });
        assert!(judged.count() < BROKEN);
        let log = site.controller.log();
        assert!(log.contains("operations were spent in a minute"), "{log}");
        let secret = site.secret("db").body;
        assert_eq!(secret["data"]["password"], base64("right"));
    }
}
