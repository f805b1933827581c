//! The control plane that other tests stand on: that it is a real cluster, and that nothing of it stays behind.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use seal_tests::{
    control_plane::{ADDRESS, ControlPlane, processes_of},
    programs,
    scratch::Scratch,
    tools,
};
use seal_tools::ETCD;
use serde_json::json;

#[test]
fn a_secret_is_stored_and_nothing_is_left_behind() {
    let plane = ControlPlane::start();
    let folder = plane.logs().parent().unwrap().to_owned();
    let namespace = json!({"metadata": {"name": "shop"}});
    let created = plane.api().create("/api/v1/namespaces", &namespace);
    assert_eq!(created.status, 201, "{created:?}");
    let secret = json!({"metadata": {"name": "db"}, "stringData": {"user": "alice"}});
    let created = plane
        .api()
        .create("/api/v1/namespaces/shop/secrets", &secret);
    assert_eq!(created.status, 201, "{created:?}");
    let read = plane.api().get("/api/v1/namespaces/shop/secrets/db");
    assert_eq!(read.body["data"]["user"], "YWxpY2U=");
    assert_eq!(read.body["type"], "Opaque");

    drop(plane);
    assert!(!folder.exists());
    assert_eq!(processes_of(&folder), Vec::<String>::new());
}

#[test]
fn the_service_proxy_reaches_a_program_inside_and_the_network_has_no_way_out() {
    let plane = ControlPlane::start();
    let api = plane.api();
    let create = |path: &str, object| {
        let created = api.create(path, &object);
        assert_eq!(created.status, 201, "{created:?}");
    };
    create(
        "/api/v1/namespaces/default/services",
        json!({"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 8080}]}}),
    );
    // Without the Node there is no EndpointSlice for the Pod.
    create("/api/v1/nodes", json!({"metadata": {"name": "here"}}));
    create(
        "/api/v1/namespaces/default/pods",
        json!({
            "metadata": {"name": "web", "labels": {"app": "web"}},
            "spec": {"nodeName": "here", "containers": [{"name": "web", "image": "none"}]},
        }),
    );
    let running = json!({"status": {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "podIP": ADDRESS,
        "podIPs": [{"ip": ADDRESS}],
    }});
    let patched = api.patch("/api/v1/namespaces/default/pods/web/status", &running);
    assert_eq!(patched.status, 200, "{patched:?}");

    // Any HTTP server does; this one is there.
    let scratch = Scratch::new();
    let url = format!("http://{ADDRESS}:8080");
    let mut web = plane
        .enter(tools::path(&ETCD))
        .args([
            "--listen-client-urls",
            &url,
            "--advertise-client-urls",
            &url,
        ])
        .args(["--listen-peer-urls", &format!("http://{ADDRESS}:8081")])
        .arg("--data-dir")
        .arg(scratch.path())
        .stderr(Stdio::null())
        .spawn()
        .expect("etcd can be run in the network");
    let health = "/api/v1/namespaces/default/services/http:web:http/proxy/health";
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut answer = api.get(health);
    while answer.status != 200 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(20));
        answer = api.get(health);
    }
    // The process entered is the program itself, so that it can be ended.
    web.kill().expect("it runs");
    web.wait().expect("it is our child");
    assert_eq!(answer.body["health"], "true", "{answer:?}");

    let addresses = plane
        .enter("ip")
        .args(["-brief", "address"])
        .output()
        .expect("`ip` can be run in the network");
    let addresses = String::from_utf8(addresses.stdout).unwrap();
    assert_eq!(addresses.lines().count(), 1, "{addresses}");
    assert!(addresses.contains(ADDRESS), "{addresses}");
}

#[test]
fn the_logs_of_a_failed_test_are_kept_and_nothing_else_is() {
    let (sender, receiver) = mpsc::channel();
    let failed = thread::spawn(move || {
        let plane = ControlPlane::start();
        sender.send(plane.logs()).expect("the test waits for it");
        panic!("this test failed on purpose");
    });
    assert!(failed.join().is_err());
    let logs = receiver.recv().expect("it was sent");
    let folder = logs.parent().unwrap();
    assert!(fs::read_to_string(logs.join("kube-apiserver.log")).is_ok_and(|log| !log.is_empty()));
    for gone in ["etcd", "credentials", "kubeconfig"] {
        assert!(!folder.join(gone).exists(), "{gone}");
    }
    assert_eq!(processes_of(folder), Vec::<String>::new());
    fs::remove_dir_all(folder).expect("it is ours");
}

#[test]
fn killing_the_command_ends_the_servers_too() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_control-plane"))
        .env(programs::BUILT, programs::folder())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it was built with this test");
    let mut output = BufReader::new(command.stdout.take().expect("standard output is a pipe"));
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let kubeconfig = Path::new(line.trim().strip_prefix("export KUBECONFIG=").unwrap());
    let folder = kubeconfig.parent().unwrap();
    assert!(kubeconfig.is_file());
    assert!(processes_of(folder).len() >= 3);

    command.kill().expect("it runs");
    command.wait().expect("it is our child");
    drop(output);
    let deadline = Instant::now() + Duration::from_secs(30);
    while folder.exists() || !processes_of(folder).is_empty() {
        assert!(Instant::now() < deadline, "{:?}", processes_of(folder));
        thread::sleep(Duration::from_millis(20));
    }
}
