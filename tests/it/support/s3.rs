//! An S3 server inside the test process, over a directory. It checks signatures: a wrong secret is refused.
//! It answers on a free port of this machine and ends when dropped; what was stored stays in the directory.

use std::net::TcpListener;
use std::path::Path;
use std::thread::JoinHandle;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::sync::oneshot;

pub struct S3Server {
    /// `http://127.0.0.1:PORT`; buckets are addressed by path.
    pub url: String,
    pub bucket: String,
    pub access_key: String,
    pub secret_key: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl S3Server {
    /// Serves `dir`, which exists, with one bucket in it.
    pub fn start(dir: &Path) -> S3Server {
        let (bucket, access_key, secret_key) = ("evidence", "test-access-key", "test-secret-key");
        std::fs::create_dir_all(dir.join(bucket)).expect("the bucket can be made");
        let service = {
            let mut builder = S3ServiceBuilder::new(FileSystem::new(dir).expect("the directory exists"));
            builder.set_auth(SimpleAuth::from_single(access_key, secret_key));
            builder.build()
        };

        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        listener.set_nonblocking(true).expect("a listener can be non-blocking");
        let url = format!("http://{}", listener.local_addr().expect("a listener has an address"));
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
            // Dropping the runtime at the end also ends the connections that clients keep open.
            runtime.expect("a runtime can be made").block_on(serve(listener, service, stopped));
        });
        S3Server {
            url,
            bucket: bucket.to_owned(),
            access_key: access_key.to_owned(),
            secret_key: secret_key.to_owned(),
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

async fn serve(listener: TcpListener, service: S3Service, mut stopped: oneshot::Receiver<()>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("the listener is non-blocking");
    let http = Builder::new(TokioExecutor::new());
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            accepted = listener.accept() => {
                let Ok((socket, _)) = accepted else { continue };
                let connection = http.serve_connection(TokioIo::new(socket), service.clone()).into_owned();
                tokio::spawn(async move {
                    // A client that goes away in the middle is its own affair.
                    let _ = connection.await;
                });
            }
        }
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
