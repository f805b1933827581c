//! What is kept of the objects that the watches tell of.

use allocation_counter::measure;

use super::*;

const KIB: usize = 1024;

/// Tells a cluster of so many SealedSecrets with items of so many bytes together, and of their Secrets; how much is kept of
/// each.
fn kept_of_each(objects: usize, bytes: usize) -> usize {
    let (cluster, _) = cluster(usual);
    let mut object = sealed(1);
    object["spec"]["encryptedData"]["large"] = "A".repeat(bytes).into();
    object["status"] = json!({
        "observedGeneration": 1,
        "conditions": [{"type": "Synced", "status": "True", "message": "B".repeat(bytes / 10)}],
    });
    let told = measure(|| {
        for number in 0..objects {
            let name = ObjectName::new("prod", format!("db-{number}"));
            object["metadata"]["name"] = name.name.as_str().into();
            object["metadata"]["uid"] = format!("uid-{number}").into();
            cluster.secret_seen(&name, number.to_string(), Class::Backlog);
            cluster.sealed_secret_seen(&name, object.clone(), Class::Backlog);
        }
    });
    // Of this thread alone, beside which others may test something else.
    usize::try_from(told.bytes_current).expect("something is kept") / objects
}

#[tokio::test]
async fn memory_grows_by_the_object_and_not_by_its_size() {
    let small = kept_of_each(5_000, 10);
    assert!(small < 3 * KIB, "{small} bytes of a small one");
    let large = kept_of_each(300, 200 * KIB);
    assert!(large < 3 * KIB, "{large} bytes of one with 200 KiB");
}

#[tokio::test]
async fn of_a_secret_that_is_none_of_its_business_little_is_kept() {
    const SECRETS: usize = 10_000;
    let (cluster, _) = cluster(usual);
    let told = measure(|| {
        for number in 0..SECRETS {
            let name = ObjectName::new("prod", format!("a-secret-with-a-usual-name-{number}"));
            cluster.secret_seen(&name, format!("{number:010}"), Class::Backlog);
        }
    });
    let each = usize::try_from(told.bytes_current).expect("something is kept") / SECRETS;
    assert!(each < 300, "{each} bytes");
}
