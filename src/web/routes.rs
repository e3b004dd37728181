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
    "/verify-email" { GET auth::verify_email_page [Anyone] POST auth::verify_email_form [Anyone] }
    "/reset-password" { GET auth::reset_password_page [Anyone] POST auth::reset_password_form [Anyone] }

    "/v1/auth/register" { POST auth::register [Anyone] }
    "/v1/auth/token" { POST auth::create_token [Anyone] }
    "/v1/auth/refresh" { POST auth::refresh_token [Anyone] }
    "/v1/auth/logout" { POST auth::logout [Anyone] }
    "/v1/auth/verification" { POST auth::request_verification [Person] }
    "/v1/auth/verify-email" { POST auth::verify_email [Anyone] }
    "/v1/auth/password-reset" { POST auth::request_password_reset [Anyone] }
    "/v1/auth/password" { POST auth::reset_password [Anyone] }
    "/v1/me" { GET me::get_me [Person] PATCH me::update_me [Person] }

    "/v1/brand/members" { GET brands::list_members [BrandViewer] POST brands::add_member [BrandOwner] }
    "/v1/brand/members/{id}" { PATCH brands::change_member [BrandOwner] DELETE brands::remove_member [BrandOwner] }

    "/v1/admin/brands" { GET brands::list_brands [AnyStaff] POST brands::create_brand [Admin] }
    "/v1/admin/brands/{id}/members" { POST brands::add_brand_member [Admin] }
    "/v1/admin/workers" { GET workers::list_workers [AnyStaff] }
    "/v1/admin/workers/{id}/suspend" { POST workers::suspend_worker [Admin] }
    "/v1/admin/workers/{id}/reinstate" { POST workers::reinstate_worker [Admin] }
}
