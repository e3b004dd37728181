//! Every route: path, method, operation, pass. The table is data: `fieldproof routes` prints it and tests walk it; the
//! pass it names is the one in the handler's signature.

use actix_web::web;

use super::api;

/// One operation as the outside sees it.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    pub method: &'static str,
    pub path: &'static str,
    /// The handler's name, and `operationId` in openapi.yaml.
    pub operation: &'static str,
    /// Role that the gate asks for.
    pub role: &'static str,
}

macro_rules! routes {
    ($($path:literal { $($method:ident $module:ident :: $handler:ident [$pass:ident])+ })+) => {
        pub const ROUTES: &[Route] = &[$($(Route {
            method: stringify!($method),
            path: $path,
            operation: stringify!($handler),
            role: <crate::access::$pass as crate::access::Pass>::ROLE,
        }),+),+];

        pub(super) fn configure(cfg: &mut web::ServiceConfig) {
            $(cfg.service(
                web::resource($path)
                    $(.route(web::method(actix_web::http::Method::$method).to(api::$module::$handler)))+
                    .default_service(web::to(api::meta::no_such_method)),
            );)+
            cfg.service(api::meta::docs());
        }
    };
}

routes! {
    "/healthz" { GET meta::get_health [Anyone] }
    "/readyz" { GET meta::get_ready [Anyone] }
    "/metrics" { GET meta::get_metrics [Anyone] }
    "/openapi.yaml" { GET meta::get_openapi [Anyone] }
    "/docs" { GET meta::get_docs [Anyone] }
    "/problems/{code}" { GET meta::get_problem_page [Anyone] }
}
