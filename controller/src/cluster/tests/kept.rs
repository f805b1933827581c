//! What is kept of the objects that the watches tell of.

use super::*;

const KIB: usize = 1024;

/// How much memory of this process is in RAM, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: usize = kib
        .and_then(|kib| kib.parse().ok())
        .expect("it is a number");
    kib * KIB
}

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
    let before = resident();
    for number in 0..objects {
        let name = ObjectName::new("prod", format!("db-{number}"));
        object["metadata"]["name"] = name.name.as_str().into();
        object["metadata"]["uid"] = format!("uid-{number}").into();
        cluster.secret_seen(&name, number.to_string(), Class::Backlog);
        cluster.sealed_secret_seen(&name, object.clone(), Class::Backlog);
    }
    resident().saturating_sub(before) / objects
}

#[tokio::test]
async fn memory_grows_by_the_object_and_not_by_its_size() {
    let small = kept_of_each(5_000, 10);
    assert!(small < 4 * KIB, "{small} bytes of a small one");
    let large = kept_of_each(300, 200 * KIB);
    assert!(large < 40 * KIB, "{large} bytes of one with 200 KiB");
}
