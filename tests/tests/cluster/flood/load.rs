//! Load from a process of its own in the network of the cluster, and a way in for an honest client.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    os::fd::OwnedFd,
    process::{Child, ChildStdin, ChildStdout, Stdio},
};

use seal_tests::{programs, scratch::Scratch};
use serde_json::Value;

use crate::site::Site;

/// Where the manifests have it.
pub(super) const HTTP: u16 = 8080;
pub(super) const METRICS: u16 = 8081;

/// A program that asks too much. Dropped, it ends.
pub(super) struct Load {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    _requests: Scratch,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Outcome {
    /// All answers.
    pub(super) answers: u64,
    /// The same by code, and how often a connection was closed.
    pub(super) told: Value,
}

impl Load {
    /// So many connections send requests in turn as fast as they are answered, and not less than so many.
    pub(super) fn flood(site: &Site, connections: usize, least: u64, requests: &[Vec<u8>]) -> Self {
        Self::start(site, "flood", connections, least, requests)
    }

    /// So many connections are slow.
    pub(super) fn slow(site: &Site, connections: usize) -> Self {
        Self::start(site, "slow", connections, 0, &[])
    }

    fn start(
        site: &Site,
        what: &str,
        connections: usize,
        least: u64,
        requests: &[Vec<u8>],
    ) -> Self {
        let folder = Scratch::new();
        let files = requests.iter().enumerate();
        let files: Vec<_> = files
            .map(|(number, request)| folder.write(number.to_string(), request))
            .collect();
        let pod = site.controller.pod();
        let mut child = pod
            .plane()
            .enter(programs::folder().join("load"))
            .arg(what)
            .arg(format!("{}:{HTTP}", pod.address()))
            .args([connections.to_string(), least.to_string()])
            .args(files)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`nsenter` is there");
        let input = child.stdin.take();
        let output = child.stdout.take().expect("standard output is a pipe");
        let mut load = Self {
            child,
            input,
            output: BufReader::new(output),
            _requests: folder,
        };
        assert_eq!(load.line(), "begun");
        load
    }

    /// Ends it.
    pub(super) fn end(mut self) -> Outcome {
        drop(self.input.take());
        let told: Value = serde_json::from_str(&self.line()).expect("it is JSON");
        let answers = told["answers"].as_object().expect("it is a map");
        let answers = answers.values().filter_map(Value::as_u64).sum();
        Outcome { answers, told }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it tells");
        line.trim().to_owned()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        drop(self.input.take());
        // Both fail only for a process that is gone.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A port of this machine that is one of the pod's.
pub(super) struct Door {
    pub(super) port: u16,
    child: Child,
}

impl Door {
    pub(super) fn open(site: &Site, port: u16) -> Self {
        let outside = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let own = outside.local_addr().expect("it is bound").port();
        let pod = site.controller.pod();
        let child = pod
            .plane()
            .enter(programs::folder().join("forward"))
            .arg(format!("{}:{port}", pod.address()))
            .stdin(Stdio::from(OwnedFd::from(outside)))
            .spawn()
            .expect("`nsenter` is there");
        Self { port: own, child }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
