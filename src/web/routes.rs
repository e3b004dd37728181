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
                    .app_data(web::PayloadConfig::new(super::body_bytes($path)))
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
    "/v1/schemas/questionnaire" { GET campaigns::get_questionnaire_schema [Anyone] }
    "/v1/brand/balance" { GET funds::get_brand_balance [BrandViewer] }
    "/v1/brand/campaigns" {
        GET campaigns::list_campaigns [BrandViewer]
        POST campaigns::create_campaign [BrandEditor]
    }
    "/v1/brand/campaigns/{id}" {
        GET campaigns::get_campaign [BrandViewer]
        PATCH campaigns::change_campaign [BrandEditor]
    }
    "/v1/brand/campaigns/{id}/answers-schema" { GET campaigns::get_answers_schema [BrandViewer] }
    "/v1/brand/campaigns/{id}/check" { POST campaigns::check_campaign [BrandViewer] }
    "/v1/brand/campaigns/{id}/close" { POST campaigns::close_campaign [BrandOwner] }
    "/v1/brand/campaigns/{id}/missions" { GET campaigns::list_campaign_missions [BrandViewer] }
    "/v1/brand/campaigns/{id}/pause" { POST campaigns::pause_campaign [BrandOwner] }
    "/v1/brand/campaigns/{id}/publish" { POST campaigns::publish_campaign [BrandOwner] }
    "/v1/brand/campaigns/{id}/questionnaire-changes" { GET campaigns::get_questionnaire_changes [BrandViewer] }
    "/v1/brand/campaigns/{id}/report" { GET report::get_report [BrandViewer] }
    "/v1/brand/campaigns/{id}/report.csv" { GET report::get_report_csv [BrandViewer] }
    "/v1/brand/campaigns/{id}/resume" { POST campaigns::resume_campaign [BrandOwner] }
    "/v1/brand/photos/{id}" { GET deliveries::get_brand_photo [BrandViewer] }
    "/v1/brand/products" {
        GET products::list_products [BrandViewer]
        POST products::create_product [BrandEditor]
    }
    "/v1/brand/stores" {
        GET stores::list_stores [BrandViewer]
        POST stores::create_store [BrandEditor]
    }
    "/v1/brand/submissions" { GET deliveries::list_brand_submissions [BrandViewer] }
    "/v1/brand/submissions/{id}" { GET deliveries::get_brand_submission [BrandViewer] }
    "/v1/brand/submissions/{id}/photos" { GET deliveries::list_brand_photos [BrandViewer] }
    "/v1/brand/transfers" { GET funds::list_brand_transfers [BrandViewer] }
    "/v1/admin/brands/{id}/funding" { POST funds::fund_brand [Finance] }
    "/v1/admin/brands/{id}/refund" { POST funds::refund_brand [Finance] }
    "/v1/admin/brands/{id}/fee" { POST budgets::set_brand_fee [Finance] }
    "/v1/admin/brands/{id}/statement" { GET statements::get_statement_of_brand [Finance] }
    "/v1/admin/campaigns/{id}/fee" { POST budgets::set_campaign_fee [Finance] }
    "/v1/admin/floor-checks" { GET budgets::list_floor_checks [Finance] }
    "/v1/admin/journals/{id}/reverse" { POST funds::reverse_journal [Finance] }
    "/v1/admin/safeguarding" {
        GET statements::get_safeguarding [Finance]
        POST statements::record_bank_balance [Finance]
    }
    "/v1/admin/workers/{id}/late-bonus" { POST budgets::give_late_bonus [Finance] }
    "/v1/admin/workers/{id}/statement" { GET statements::get_statement_of_worker [Finance] }
    "/v1/brand/campaigns/{id}/budget" {
        GET budgets::get_budget [BrandViewer]
        POST budgets::set_budget [BrandOwner]
    }
    "/v1/brand/campaigns/{id}/top-up" { POST budgets::top_up_campaign [BrandOwner] }
    "/v1/brand/statement" { GET statements::get_brand_statement [BrandViewer] }
    "/v1/brand/submissions/{id}/bonus" { POST budgets::give_bonus [BrandOwner] }
    "/v1/bonuses" { GET budgets::list_bonuses [Worker] }
    "/v1/me/statement" { GET statements::get_statement [Worker] }
    "/verify-email" { GET auth::verify_email_page [Anyone] POST auth::verify_email_form [Anyone] }
    "/reset-password" { GET auth::reset_password_page [Anyone] POST auth::reset_password_form [Anyone] }

    "/v1/hooks/paypal" { POST payouts::hear_paypal [Anyone] }
    "/v1/auth/register" { POST auth::register [Anyone] }
    "/v1/auth/token" { POST auth::create_token [Anyone] }
    "/v1/auth/refresh" { POST auth::refresh_token [Anyone] }
    "/v1/auth/logout" { POST auth::logout [Anyone] }
    "/v1/auth/verification" { POST auth::request_verification [Person] }
    "/v1/auth/verify-email" { POST auth::verify_email [Anyone] }
    "/v1/auth/password-reset" { POST auth::request_password_reset [Anyone] }
    "/v1/auth/password" { POST auth::reset_password [Anyone] }
    "/v1/me" { GET me::get_me [Person] PATCH me::update_me [Person] }

    "/v1/transparency/automated-systems" { GET transparency::get_automated_systems [Anyone] }

    "/v1/submissions/{id}/appeal" { POST appeals::appeal_submission [Worker] }
    "/v1/earnings" { GET payouts::list_earnings [Worker] }
    "/v1/balance" { GET payouts::get_balance [Worker] }
    "/v1/payouts" { GET payouts::list_payouts [Worker] POST payouts::request_payout [Worker] }
    "/v1/payouts/{id}/cancel" { POST payouts::cancel_payout [Worker] }
    "/v1/payouts/{id}/gift-code" { GET payouts::get_gift_code [Worker] }
    "/v1/me/payout-methods" { GET payouts::list_payout_methods [Worker] POST payouts::add_payout_method [Worker] }
    "/v1/me/payout-methods/{id}/remove" { POST payouts::remove_payout_method [Worker] }
    "/v1/me/payout-choice" { POST payouts::choose_payouts [Worker] }
    "/v1/admin/step-up" { POST batches::enrol_step_up [AnyStaff] }
    "/v1/admin/step-up/confirm" { POST batches::confirm_step_up [AnyStaff] }
    "/v1/me/tax-profile" { GET papers::get_tax_profile [Worker] PUT papers::put_tax_profile [Worker] }
    "/v1/me/payouts/{id}/notice" { GET papers::get_payment_notice [Worker] }
    "/v1/me/payouts/{id}/notice.html" { GET papers::get_payment_notice_page [Worker] }
    "/v1/me/recaps/{year}" { GET papers::get_recap [Worker] }
    "/v1/me/recaps/{year}/recap.html" { GET papers::get_recap_page [Worker] }
    "/v1/me/dac7/{year}" { GET papers::get_own_dac7 [Worker] }
    "/v1/me/self-billing" { GET papers::get_self_billing [Worker] }
    "/v1/me/self-billing/acceptance" { POST papers::accept_self_billing [Worker] }
    "/v1/me/self-billing/withdrawal" { POST papers::withdraw_self_billing [Worker] }
    "/v1/me/self-billing/documents" { GET papers::list_documents [Worker] }
    "/v1/me/self-billing/documents/{id}" { GET papers::get_document [Worker] }
    "/v1/me/self-billing/documents/{id}/document.html" { GET papers::get_document_page [Worker] }
    "/v1/me/erasure" { POST papers::erase_me [Worker] }
    "/v1/me/standing" { GET me::get_standing [Worker] }
    "/v1/missions" { GET missions::list_missions [Worker] }
    "/v1/missions/map" { GET missions::map_missions [Worker] }
    "/v1/missions/changes" { GET missions::mission_changes [Worker] }
    "/v1/missions/{id}" { GET missions::get_mission [Worker] }
    "/v1/rounds" { GET missions::list_rounds [Worker] POST missions::reserve_round [Worker] }
    "/v1/missions/{id}/reservations" { POST missions::reserve [Worker] }
    "/v1/reservations" { GET visits::list_reservations [Worker] }
    "/v1/reservations/{id}" { GET visits::get_reservation [Worker] }
    "/v1/reservations/{id}/check-in" { POST visits::check_in [Worker] }
    "/v1/reservations/{id}/release" { POST visits::release_reservation [Worker] }
    "/v1/reservations/{id}/extend" { POST visits::extend_reservation [Worker] }
    "/v1/reservations/{id}/evidence" { POST visits::upload_evidence [Worker] }
    "/v1/reservations/{id}/precheck" { POST visits::precheck [Worker] }
    "/v1/reservations/{id}/submission" { POST visits::seal [Worker] }
    "/v1/submissions" { GET visits::list_submissions [Worker] }
    "/v1/submissions/{id}" { GET visits::get_submission [Worker] }
    "/v1/submissions/{id}/decision/explain" { GET explain::explain_own_decision [Worker] }
    "/v1/submissions/{id}/revisions" { POST visits::revise_submission [Worker] }

    "/v1/brand/members" { GET brands::list_members [BrandViewer] POST brands::add_member [BrandOwner] }
    "/v1/brand/members/{id}" { PATCH brands::change_member [BrandOwner] DELETE brands::remove_member [BrandOwner] }

    "/v1/admin/brands" { GET brands::list_brands [AnyStaff] POST brands::create_brand [Admin] }
    "/v1/admin/brands/{id}/members" { POST brands::add_brand_member [Admin] }
    "/v1/admin/workers" { GET workers::list_workers [AnyStaff] }
    "/v1/admin/workers/{id}/qualifications" { POST workers::set_qualifications [Admin] }
    "/v1/admin/workers/{id}/suspend" { POST workers::suspend_worker [Admin] }
    "/v1/admin/workers/{id}/reinstate" { POST workers::reinstate_worker [Admin] }
    "/v1/admin/reviews" { GET reviews::list_reviews [Reviewer] }
    "/v1/admin/reviews/claim" { POST reviews::claim_review [Reviewer] }
    "/v1/admin/reviews/{id}" { GET reviews::get_review [Reviewer] }
    "/v1/admin/reviews/{id}/release" { POST reviews::release_review [Reviewer] }
    "/v1/admin/photos/{id}" { GET reviews::get_review_photo [Reviewer] }
    "/v1/admin/submissions/{id}/decision" { POST reviews::decide_submission [Reviewer] }
    "/v1/admin/appeals" { GET appeals::list_appeals [Reviewer] }
    "/v1/admin/appeals/{id}/decision" { POST appeals::decide_appeal [Reviewer] }
    "/v1/admin/decisions/{id}/explain" { GET explain::explain_decision [Reviewer] }
    "/v1/admin/payouts" { GET payouts::list_all_payouts [Finance] }
    "/v1/admin/payouts/{id}/approve" { POST payouts::approve_payout [Finance] }
    "/v1/admin/payouts/{id}/settle" { POST payouts::settle_payout [Finance] }
    "/v1/admin/payouts/{id}/return" { POST payouts::return_payout [Finance] }
    "/v1/admin/payouts/{id}/stop" { POST payouts::stop_payout [Finance] }
    "/v1/admin/payouts/{id}/words" { POST payouts::propose_payout_word [Finance] }
    "/v1/admin/payout-words" { GET payouts::list_payout_words [Finance] }
    "/v1/admin/payout-words/{id}/confirm" { POST payouts::confirm_payout_word [Finance] }
    "/v1/admin/payout-batches" {
        GET batches::list_payout_batches [Finance]
        POST batches::prepare_payout_batch [Finance]
    }
    "/v1/admin/payout-batches/{id}" { GET batches::get_payout_batch [Finance] }
    "/v1/admin/payout-batches/{id}/check" { POST batches::check_payout_batch [Finance] }
    "/v1/admin/payout-batches/{id}/approve" { POST batches::approve_payout_batch [Finance] }
    "/v1/admin/payout-batches/{id}/file" { GET batches::get_payout_batch_file [Finance] }
    "/v1/admin/payout-batches/{id}/sent" { POST batches::mark_payout_batch_sent [Finance] }
    "/v1/admin/payout-batches/{id}/discard" { POST batches::discard_payout_batch [Finance] }
    "/v1/admin/payout-batches/{id}/withdraw" { POST batches::withdraw_payout_batch [Finance] }
    "/v1/admin/bank-files" { POST batches::import_bank_file [Finance] }
    "/v1/admin/bank-entries" { GET batches::list_bank_entries [Finance] }
    "/v1/admin/gift-codes" { GET batches::list_gift_codes [Finance] POST batches::import_gift_codes [Admin] }
    "/v1/admin/staff/{id}/step-up-reset" { POST batches::reset_step_up [Admin] }
    "/v1/admin/self-billing/{id}/correction" { POST papers::correct_document [Finance] }
    "/v1/admin/dac7/{year}" { GET papers::get_dac7 [Finance] }
    "/v1/admin/dac7/{year}/report.xml" { GET papers::get_dac7_xml [Admin] }
    "/v1/admin/workers/{id}/erasure" { POST papers::erase_worker [Admin] }
    "/v1/admin/stores/duplicates" { GET stores::list_store_duplicates [Admin] }
    "/v1/admin/stores/{id}/merge" { POST stores::merge_store [Admin] }
    "/v1/admin/stores/{id}/site" { POST stores::place_store [Admin] }
    "/v1/admin/store-corrections" { GET stores::list_store_corrections [Admin] }
    "/v1/admin/store-corrections/{id}/decision" { POST stores::decide_store_correction [Admin] }
    "/v1/admin/audit" { GET audit::list_events [Admin] }
}
