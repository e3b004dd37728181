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
    # Each wrong password counts.
    "too_many_requests": {"erase_me"},
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
    "country_unknown": {"create_store", "create_brand", "register", "update_me", "put_tax_profile"},
    # Written like one, with wrong check digits, no such day, or another country's.
    "tax_number": {"put_tax_profile"},
    "vat_number": {"put_tax_profile"},
    "birth_date": {"put_tax_profile"},
    # Invoices in the worker's name need the whole of it.
    "required": {"put_tax_profile"},
    # Not the terms of today.
    "outdated": {"accept_self_billing"},
    "time_zone_unknown": {"create_store"},
    "gtin": {"create_product"},
    # The grammar of OpenStreetMap.
    "opening_hours_unreadable": {"create_store"},
    # Two of a list have the same name.
    "duplicate": {"create_campaign", "change_campaign", "precheck", "seal", "revise_submission"},
    # The other store: no id, the same one, or none that trades.
    "invalid": {"merge_store"},
    "not_found": {"merge_store"},
    # One goes with the other.
    "both_or_none": {"upload_evidence"},
    "incomplete": {"list_missions"},
    # One goes without the other.
    "unexpected": {"upload_evidence"},
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
