//! The controller of the walk: started on a free port of this machine, stopped in the end whatever happens.

use std::{
    fs::File,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running controller.
pub(super) struct Controller {
    process: Child,
    address: SocketAddr,
}

impl Controller {
    /// Starts the program on a folder and waits until it is ready. Its log goes to a file beside the folder.
    pub(super) fn start(program: &Path, folder: &Path) -> Result<Self> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let log = folder.with_extension("log");
        println!("   $ seal-controller --directory store --listen-addr {address}");
        let process = Command::new(program)
            .arg("--directory")
            .arg(folder)
            .args(["--listen-addr", &address.to_string()])
            .stdin(Stdio::null())
            .stdout(File::create(&log)?)
            .stderr(File::create(log.with_extension("err"))?)
            .spawn()
            .context("cannot start seal-controller")?;
        let controller = Self { process, address };
        eventually(|| {
            controller
                .get("/readyz")
                .is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
        })
        .context("the controller never became ready")?;
        Ok(controller)
    }

    /// Where it answers.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn get(&self, path: &str) -> Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// Asks it to stop and checks that it does so in order.
    pub(super) fn stop(mut self) -> Result<()> {
        let asked = Command::new("kill")
            .arg(self.process.id().to_string())
            .status()?;
        ensure!(asked.success(), "the controller could not be asked to stop");
        let mut code = None;
        eventually(|| {
            code = self.process.try_wait().ok().flatten();
            code.is_some()
        })
        .context("the controller did not stop")?;
        ensure!(
            code.is_some_and(|code| code.success()),
            "the controller ended with an error"
        );
        Ok(())
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Tries until it holds, or patience ends.
pub(super) fn eventually(mut holds: impl FnMut() -> bool) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        if Instant::now() > end {
            bail!("not within {} seconds", PATIENCE.as_secs());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
