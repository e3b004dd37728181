"""What openapi.yaml cannot say. A request that it allows is done, or answered 404 or 409, which hang on what is there; for
any other refusal there is a line here with its reason. Read by schemathesis through schemathesis.toml."""

import re

import schemathesis

EVERYWHERE = None

# Codes of refusals, and the operations that may answer them to a request that is well formed.
REFUSALS = {
    # The tool takes a key for a second request, and makes up cursors, which are signed.
    "idempotency_key_reused": EVERYWHERE,
    "invalid_cursor": EVERYWHERE,
    # Secrets that were never given out.
    "wrong_credentials": {"create_token", "erase_me"},
    "wrong_password": {"add_payout_method", "choose_payouts", "enrol_step_up"},
    # Wrong passwords and codes make a pause.
    "too_many_requests": {"add_payout_method", "choose_payouts", "erase_me", "enrol_step_up", "confirm_step_up", "approve_payout_batch", "confirm_payout_word"},
    # Who prepared it, or whose second factor it is.
    "second_person": {"approve_payout_batch", "reset_step_up", "confirm_payout_word"},
    # A code of an app that nobody has set up.
    "step_up_needed": {"approve_payout_batch", "confirm_payout_word"},
    "step_up_wrong": {"confirm_step_up", "approve_payout_batch", "confirm_payout_word"},
    # Files with a grammar of their own.
    "bank_file_unreadable": {"import_bank_file"},
    "session_revoked": {"refresh_token"},
    "token_used": {"verify_email", "verify_email_form", "reset_password", "reset_password_form"},
    # Who asks has done something before, or something was done to him.
    "own_decision": {"decide_appeal"},
    "suspended": {"reserve", "reserve_round"},
    # What the worker may do is not in the request.
    "not_qualified": {"reserve", "reserve_round"},
    "level_too_low": {"reserve", "reserve_round"},
    "stale": {"update_me", "put_tax_profile", "change_campaign", "decide_store_correction"},
    # The bytes of the photo have another SHA-256.
    "digest_mismatch": {"upload_evidence"},
    # Documents with a grammar of their own, which may be wrong in a draft.
    "questionnaire_invalid": {"get_answers_schema", "get_questionnaire_changes", "publish_campaign", "check_campaign"},
    "answers_invalid": {"seal", "revise_submission"},
    "campaign_incomplete": {"publish_campaign"},
    "pay_floor": {"publish_campaign"},
    # One field asks for another.
    "decision_invalid": {"decide_submission", "decide_appeal"},
}

# Codes of fields that a pattern lets pass, for the operations that may answer them with `invalid_request`.
FIELDS = {
    # It is written like one, and there is none.
    "country_unknown": {"create_store", "create_brand", "register", "update_me", "add_payout_method", "put_tax_profile"},
    # Written like one, with wrong check digits, no such day, or another country's.
    "tax_number": {"put_tax_profile"},
    "vat_number": {"put_tax_profile"},
    "birth_date": {"put_tax_profile"},
    # Not the terms of today.
    "outdated": {"accept_self_billing"},
    "time_zone_unknown": {"create_store"},
    "gtin": {"create_product"},
    # An IBAN, a BIC, an address, a country; which of them are asked for hangs on the rail.
    "iban": {"add_payout_method"},
    "bic": {"add_payout_method"},
    "email": {"add_payout_method"},
    "pattern": {"add_payout_method"},
    "qr_iban": {"add_payout_method"},
    "length": {"add_payout_method", "propose_payout_word"},
    # So does whether the password is needed.
    "required": {"add_payout_method", "choose_payouts", "put_tax_profile"},
    # A list of codes.
    "unreadable": {"import_gift_codes"},
    # The grammar of OpenStreetMap.
    "opening_hours_unreadable": {"create_store"},
    # Two of a list have the same name.
    "duplicate": {"create_campaign", "change_campaign", "precheck", "seal", "revise_submission"},
    # The other store: no id, the same one, or none that trades.
    "invalid": {"merge_store", "get_safeguarding", "record_bank_balance"},
    "not_found": {"merge_store"},
    # Corners that make no outline, or lie far from the pin.
    "outline_open": {"create_store", "place_store"},
    "outline_corners": {"create_store", "place_store"},
    "outline_off_globe": {"create_store", "place_store"},
    "outline_large": {"create_store", "place_store"},
    "outline_flat": {"create_store", "place_store"},
    "outline_crosses": {"create_store", "place_store"},
    "outline_far": {"create_store", "place_store"},
    "entrance_far": {"create_store", "place_store"},
    # The end of a period, or a day, that is none; the brand's money is in another currency.
    "before_start": {"get_statement", "get_brand_statement", "get_statement_of_worker", "get_statement_of_brand"},
    "too_long": {"get_statement", "get_brand_statement", "get_statement_of_worker", "get_statement_of_brand"},
    "other_currency": {"fund_brand", "refund_brand"},
    # How many slots a mission has already.
    "too_many": {"top_up_campaign"},
    # One goes with the other.
    "both_or_none": {"upload_evidence"},
    "incomplete": {"list_missions"},
    # One goes without the other.
    "unexpected": {"upload_evidence", "add_payout_method"},
    "excluded": {"list_missions"},
    # A box has its south below its north.
    "out_of_range": {"list_missions", "map_missions", "mission_changes"},
}

# JSON Schema calls 1.0 an integer; currencies are written like one, and are none.
NOT_READ = re.compile(r"floating point `-?\d+\.0`, expected (i64|u8)|not an ISO 4217 currency code")


def allows(table, code, operation):
    return code in table and (table[code] is EVERYWHERE or operation in table[code])


@schemathesis.check
def refused_for_a_known_reason(ctx, response, case):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code < 400 or response.status_code in (404, 409):
        return
    operation = case.operation.definition.raw["operationId"]
    problem = response.json()
    code, errors = problem["code"], problem.get("errors", [])
    if code == "invalid_request" and errors:
        known = all(allows(FIELDS, error["code"], operation) or NOT_READ.search(error["detail"]) for error in errors)
    elif code == "invalid_json" and errors:
        known = all(NOT_READ.search(error["detail"]) for error in errors)
    else:
        known = allows(REFUSALS, code, operation)
    assert known, f"{operation} refused what openapi.yaml allows: {code} {errors or problem['detail']}"
