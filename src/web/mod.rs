//! HTTP: headers, statuses and JSON shapes. A handler parses, calls one operation, shapes the answer; it decides nothing
//! and sees no SQL.

pub mod api;
pub mod body;
pub mod gate;
mod limits;
mod observe;
pub mod page;
pub mod problem;
pub mod routes;
mod sheets;

use std::net::TcpListener;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, middleware, web};

pub use gate::{Looker, Shared};
pub use limits::RateLimit;

/// JSON bodies are at most this long, but for one.
pub const BODY_BYTES: usize = 1024 * 1024;
/// A bank answers a batch of a thousand in one file.
pub const BANK_FILE_BYTES: usize = 16 * 1024 * 1024;

/// The most that is read of a body at this address.
fn body_bytes(path: &str) -> usize {
    if path == "/v1/admin/bank-files" { BANK_FILE_BYTES } else { BODY_BYTES }
}

/// A photo is at most this long.
pub const PHOTO_BYTES: u64 = 30 * 1024 * 1024;

/// Starts serving on `listener`; the returned server is awaited by the caller, and stopped through its handle.
pub fn serve(shared: Shared, listener: TcpListener, threads: usize) -> std::io::Result<Server> {
    let limits = shared.rate_limit();
    let quiet = limits.clone();
    actix_web::rt::spawn(async move {
        loop {
            actix_web::rt::time::sleep(std::time::Duration::from_secs(60)).await;
            quiet.sweep();
        }
    });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::PayloadConfig::new(BODY_BYTES))
            .app_data(body::forms())
            .configure(|cfg| gate::install(cfg, &shared))
            .wrap(middleware::from_fn(limits::limit))
            .app_data(web::Data::new(limits.clone()))
            .wrap(middleware::from_fn(observe::observe))
            .configure(routes::configure)
            .default_service(web::to(api::meta::no_such_address))
    })
    .workers(threads)
    .client_request_timeout(std::time::Duration::from_secs(30))
    .shutdown_timeout(20)
    .disable_signals()
    .listen(listener)?
    .run();
    Ok(server)
}
