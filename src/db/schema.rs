//! The tables as diesel sees them; the migrations are the truth, a test compares.

diesel::table! {
    users (id) {
        id -> Text,
        email -> Text,
        password_hash -> Text,
        kind -> Text,
        staff_role -> Nullable<Text>,
        name -> Text,
        language -> Text,
        country -> Nullable<Text>,
        state -> Text,
        email_verified_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        version -> BigInt,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text,
        user_id -> Text,
        device -> Text,
        refresh_hash -> Text,
        previous_hash -> Nullable<Text>,
        generation -> BigInt,
        created_at -> Timestamp,
        rotated_at -> Timestamp,
        expires_at -> Timestamp,
        revoked_at -> Nullable<Timestamp>,
        revoked_because -> Nullable<Text>,
    }
}

diesel::table! {
    one_time_tokens (token_hash) {
        token_hash -> Text,
        user_id -> Text,
        purpose -> Text,
        created_at -> Timestamp,
        expires_at -> Timestamp,
        used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    sign_in_attempts (email) {
        email -> Text,
        failures -> BigInt,
        last_at -> Timestamp,
    }
}

diesel::table! {
    sanctions (id) {
        id -> Text,
        user_id -> Text,
        action -> Text,
        code -> Text,
        text -> Text,
        decider_id -> Text,
        rule_version -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    brands (id) {
        id -> Text,
        name -> Text,
        country -> Text,
        currency -> Text,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        version -> BigInt,
    }
}

diesel::table! {
    members (brand_id, user_id) {
        brand_id -> Text,
        user_id -> Text,
        role -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    stores (id) {
        id -> Text,
        brand_id -> Nullable<Text>,
        source -> Text,
        source_id -> Text,
        name -> Text,
        chain -> Nullable<Text>,
        street -> Nullable<Text>,
        housenumber -> Nullable<Text>,
        postcode -> Nullable<Text>,
        city -> Nullable<Text>,
        country -> Text,
        lat -> Double,
        lon -> Double,
        radius_m -> Double,
        opening_hours -> Nullable<Text>,
        time_zone -> Text,
        state -> Text,
        paused_at -> Nullable<Timestamp>,
        recheck_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        version -> BigInt,
        entrance_lat -> Nullable<Double>,
        entrance_lon -> Nullable<Double>,
        outline -> Nullable<Text>,
        placed_at -> Nullable<Timestamp>,
        merged_into -> Nullable<Text>,
    }
}

diesel::table! {
    store_reports (id) {
        id -> BigInt,
        store_id -> Text,
        worker_id -> Text,
        submission_id -> Text,
        outcome -> Text,
        recheck -> Bool,
        at -> Timestamp,
    }
}

diesel::table! {
    store_corrections (id) {
        id -> Text,
        store_id -> Text,
        state -> Text,
        lat -> Double,
        lon -> Double,
        pin_lat -> Double,
        pin_lon -> Double,
        distance_m -> Double,
        spread_m -> Double,
        check_ins -> Text,
        proposed_at -> Timestamp,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    products (id) {
        id -> Text,
        brand_id -> Text,
        gtin -> Text,
        label -> Text,
        name -> Text,
        category -> Nullable<Text>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    campaigns (id) {
        id -> Text,
        brand_id -> Text,
        name -> Text,
        purpose -> Text,
        state -> Text,
        currency -> Text,
        reward_minor -> BigInt,
        attempt_fee_minor -> BigInt,
        fee_bps -> BigInt,
        slots_per_store -> BigInt,
        on_site_minutes -> BigInt,
        reading_minutes -> BigInt,
        starts_at -> Timestamp,
        ends_at -> Timestamp,
        review_days -> BigInt,
        brief -> Text,
        questionnaire -> Text,
        loop_brands -> Text,
        published_at -> Nullable<Timestamp>,
        closed_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        version -> BigInt,
        kind -> Text,
        min_level -> BigInt,
        qualifications -> Text,
    }
}

diesel::table! {
    campaign_stores (campaign_id, store_id) {
        campaign_id -> Text,
        store_id -> Text,
    }
}

diesel::table! {
    campaign_products (campaign_id, product_id) {
        campaign_id -> Text,
        product_id -> Text,
        position -> BigInt,
    }
}

diesel::table! {
    questionnaire_versions (id) {
        id -> Text,
        campaign_id -> Text,
        version -> BigInt,
        document -> Text,
        loops -> Text,
        brief -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    missions (id) {
        id -> Text,
        campaign_id -> Text,
        brand_id -> Text,
        store_id -> Text,
        questionnaire_id -> Text,
        state -> Text,
        slots -> BigInt,
        slots_held -> BigInt,
        slots_done -> BigInt,
        attempts -> BigInt,
        attempts_spent -> BigInt,
        recheck_open -> Bool,
        reward_minor -> BigInt,
        attempt_fee_minor -> BigInt,
        fee_bps -> BigInt,
        currency -> Text,
        lat -> Double,
        lon -> Double,
        starts_at -> Timestamp,
        ends_at -> Timestamp,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        version -> BigInt,
    }
}

diesel::table! {
    reservations (id) {
        id -> Text,
        mission_id -> Text,
        campaign_id -> Text,
        brand_id -> Text,
        store_id -> Text,
        worker_id -> Text,
        questionnaire_id -> Text,
        state -> Text,
        recheck -> Bool,
        nonce -> Text,
        reserved_at -> Timestamp,
        deadline_at -> Timestamp,
        frees_at -> Timestamp,
        extended -> Bool,
        checked_in_at -> Nullable<Timestamp>,
        ended_at -> Nullable<Timestamp>,
        updated_at -> Timestamp,
        version -> BigInt,
        device_id -> Nullable<Text>,
        reserved_elapsed_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    visit_tracks (reservation_id) {
        reservation_id -> Text,
        worker_id -> Text,
        store_id -> Text,
        verdict -> Text,
        distance_m -> BigInt,
        shape -> Nullable<Text>,
        at -> Timestamp,
        fixes_dropped_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    position_fixes (id) {
        id -> Text,
        reservation_id -> Text,
        purpose -> Text,
        lat -> Double,
        lon -> Double,
        accuracy_m -> Double,
        mock -> Bool,
        at -> Timestamp,
        received_at -> Timestamp,
        distance_m -> Double,
        verdict -> Text,
        altitude_m -> Nullable<Double>,
        speed_mps -> Nullable<Double>,
        bearing_deg -> Nullable<Double>,
        provider -> Nullable<Text>,
        elapsed_ms -> Nullable<BigInt>,
        client_id -> Nullable<Text>,
        fingerprint -> Nullable<Text>,
    }
}

diesel::table! {
    evidence (id) {
        id -> Text,
        reservation_id -> Text,
        worker_id -> Text,
        brand_id -> Text,
        client_id -> Text,
        question -> Text,
        sha256 -> Text,
        size_bytes -> BigInt,
        content_type -> Text,
        file_name -> Nullable<Text>,
        capture -> Text,
        received_at -> Timestamp,
        checked_at -> Nullable<Timestamp>,
        check_version -> Nullable<Text>,
        facts -> Nullable<Text>,
        pdq -> Nullable<Text>,
        pdq_quality -> Nullable<BigInt>,
        rendition_large -> Nullable<Text>,
        rendition_small -> Nullable<Text>,
        hash_seq -> Nullable<BigInt>,
        pdq_trimmed -> Nullable<Text>,
        pdq_trimmed_quality -> Nullable<BigInt>,
        compared_at -> Nullable<Timestamp>,
        faces_hidden -> Nullable<BigInt>,
    }
}

diesel::table! {
    photo_features (evidence_id) {
        evidence_id -> Text,
        seq -> BigInt,
        reservation_id -> Text,
        store_id -> Text,
        chain -> Nullable<Text>,
        received_at -> Timestamp,
        features -> Text,
    }
}

diesel::table! {
    photo_pairs (evidence_id, other_id) {
        evidence_id -> Text,
        other_id -> Text,
        code -> Text,
        distance -> Nullable<BigInt>,
        symmetry -> Nullable<BigInt>,
        alignment -> Nullable<Text>,
        at -> Timestamp,
    }
}

diesel::table! {
    submissions (id) {
        id -> Text,
        reservation_id -> Text,
        mission_id -> Text,
        campaign_id -> Text,
        brand_id -> Text,
        store_id -> Text,
        worker_id -> Text,
        questionnaire_id -> Text,
        state -> Text,
        revision -> BigInt,
        outcome -> Text,
        recheck -> Bool,
        answers -> Text,
        sealed_at -> Timestamp,
        received_at -> Timestamp,
        late -> Bool,
        photos_due_at -> Timestamp,
        entered_review_at -> Nullable<Timestamp>,
        review_due_at -> Nullable<Timestamp>,
        correction -> Nullable<Text>,
        correction_due_at -> Nullable<Timestamp>,
        appeal_until -> Nullable<Timestamp>,
        decided_at -> Nullable<Timestamp>,
        decision_id -> Nullable<Text>,
        risk -> BigInt,
        claimed_by -> Nullable<Text>,
        claimed_until -> Nullable<Timestamp>,
        holds_slot -> Bool,
        updated_at -> Timestamp,
        version -> BigInt,
    }
}

diesel::table! {
    revisions (submission_id, revision) {
        submission_id -> Text,
        revision -> BigInt,
        outcome -> Text,
        answers -> Text,
        manifest -> Text,
        sealed_at -> Timestamp,
        received_at -> Timestamp,
        elapsed_ms -> Nullable<BigInt>,
        late -> Bool,
    }
}

diesel::table! {
    submission_photos (submission_id, client_id) {
        submission_id -> Text,
        client_id -> Text,
        revision -> BigInt,
        question -> Text,
        sha256 -> Text,
        size_bytes -> BigInt,
        evidence_id -> Nullable<Text>,
        replaced_in -> Nullable<BigInt>,
    }
}

diesel::table! {
    findings (id) {
        id -> Text,
        reservation_id -> Text,
        submission_id -> Nullable<Text>,
        evidence_id -> Nullable<Text>,
        revision -> BigInt,
        item -> Nullable<Text>,
        code -> Text,
        level -> Text,
        finding -> Text,
        rule_version -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    assessments (id) {
        id -> Text,
        submission_id -> Text,
        revision -> BigInt,
        verdict -> Text,
        risk -> BigInt,
        inputs -> Text,
        rule_version -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    grades (submission_id) {
        submission_id -> Text,
        revision -> BigInt,
        letter -> Nullable<Text>,
        reasons -> Text,
        photos -> Text,
        rule_version -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    looks (evidence_id, number) {
        evidence_id -> Text,
        number -> BigInt,
        rule_version -> Text,
        context -> Nullable<Text>,
        findings -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    decisions (id) {
        id -> Text,
        submission_id -> Text,
        revision -> BigInt,
        kind -> Text,
        decided_by -> Text,
        decider_id -> Nullable<Text>,
        second_reviewer_id -> Nullable<Text>,
        reason_code -> Nullable<Text>,
        target -> Nullable<Text>,
        clause_id -> Nullable<Text>,
        text -> Nullable<Text>,
        pay_minor -> BigInt,
        currency -> Text,
        appeal_id -> Nullable<Text>,
        rule_version -> Text,
        inputs -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    decision_items (decision_id, item) {
        decision_id -> Text,
        item -> Text,
        accepted -> Bool,
        reason_code -> Nullable<Text>,
        clause_id -> Nullable<Text>,
        text -> Nullable<Text>,
    }
}

diesel::table! {
    proposals (submission_id) {
        submission_id -> Text,
        revision -> BigInt,
        proposed_by -> Text,
        verdict -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    appeals (id) {
        id -> Text,
        submission_id -> Text,
        worker_id -> Text,
        text -> Text,
        state -> Text,
        first_decision_id -> Text,
        due_at -> Timestamp,
        decision_id -> Nullable<Text>,
        created_at -> Timestamp,
        decided_at -> Nullable<Timestamp>,
        version -> BigInt,
    }
}

diesel::table! {
    answers (submission_id, path) {
        submission_id -> Text,
        path -> Text,
        campaign_id -> Text,
        brand_id -> Text,
        store_id -> Text,
        loop_key -> Nullable<Text>,
        name -> Text,
        kind -> Text,
        value -> Text,
        number -> Nullable<Double>,
        amount_minor -> Nullable<BigInt>,
        currency -> Nullable<Text>,
        choice -> Nullable<Text>,
        accepted -> Bool,
        observed_at -> Timestamp,
    }
}

diesel::table! {
    earnings (id) {
        id -> Text,
        submission_id -> Text,
        worker_id -> Text,
        mission_id -> Text,
        kind -> Text,
        amount_minor -> BigInt,
        currency -> Text,
        journal_id -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    accounts (id) {
        id -> Text,
        kind -> Text,
        owner -> Text,
        currency -> Text,
        balance_minor -> BigInt,
    }
}

diesel::table! {
    journals (id) {
        id -> Text,
        kind -> Text,
        subject -> Text,
        event_id -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    transfers (id) {
        id -> Text,
        journal_id -> Text,
        debit_account -> Text,
        credit_account -> Text,
        amount_minor -> BigInt,
        currency -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    payouts (id) {
        id -> Text,
        worker_id -> Text,
        amount_minor -> BigInt,
        currency -> Text,
        destination -> Text,
        state -> Text,
        approved_by -> Nullable<Text>,
        bank_reference -> Nullable<Text>,
        return_reason -> Nullable<Text>,
        requested_at -> Timestamp,
        settled_at -> Nullable<Timestamp>,
        updated_at -> Timestamp,
        version -> BigInt,
        method_id -> Nullable<Text>,
        rail -> Text,
        cost_minor -> BigInt,
        batch_id -> Nullable<Text>,
    }
}

diesel::table! {
    payout_methods (id) {
        id -> Text,
        worker_id -> Text,
        rail -> Text,
        sealed -> Text,
        mark -> Text,
        masked -> Text,
        country -> Nullable<Text>,
        payable_at -> Timestamp,
        created_at -> Timestamp,
        removed_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    payout_choices (worker_id) {
        worker_id -> Text,
        method_id -> Text,
        automatic -> Bool,
        next_run_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    payout_batches (id) {
        id -> Text,
        rail -> Text,
        currency -> Text,
        state -> Text,
        items -> BigInt,
        total_minor -> BigInt,
        doubts -> Text,
        prepared_by -> Text,
        prepared_at -> Timestamp,
        checked_by -> Nullable<Text>,
        approved_by -> Nullable<Text>,
        approved_at -> Nullable<Timestamp>,
        stepped_up -> Bool,
        sealed_file -> Nullable<Text>,
        file_sha256 -> Nullable<Text>,
        file_taken_at -> Nullable<Timestamp>,
        updated_at -> Timestamp,
        version -> BigInt,
    }
}

diesel::table! {
    late_returns (bank_reference) {
        bank_reference -> Text,
        payout_id -> Text,
        reason -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    bank_files (id) {
        id -> Text,
        sha256 -> Text,
        kind -> Text,
        message_id -> Text,
        imported_by -> Text,
        imported_at -> Timestamp,
    }
}

diesel::table! {
    bank_entries (id) {
        id -> Text,
        file_id -> Text,
        end_to_end_id -> Nullable<Text>,
        bank_reference -> Nullable<Text>,
        item_reference -> Nullable<Text>,
        word -> Text,
        reason -> Nullable<Text>,
        amount_minor -> Nullable<BigInt>,
        currency -> Nullable<Text>,
        payout_id -> Nullable<Text>,
        result -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    payout_words (id) {
        id -> Text,
        payout_id -> Text,
        payout_version -> BigInt,
        said -> Text,
        evidence -> Text,
        proposed_by -> Text,
        proposed_at -> Timestamp,
        confirmed_by -> Nullable<Text>,
        confirmed_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    gift_faces (currency, amount_minor) {
        currency -> Text,
        amount_minor -> BigInt,
        in_stock -> Bool,
    }
}

diesel::table! {
    gift_codes (id) {
        id -> Text,
        amount_minor -> BigInt,
        currency -> Text,
        sealed -> Text,
        mark -> Text,
        expires_at -> Nullable<Timestamp>,
        imported_by -> Text,
        imported_at -> Timestamp,
        payout_id -> Nullable<Text>,
        given_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    step_ups (user_id) {
        user_id -> Text,
        sealed -> Text,
        confirmed_at -> Nullable<Timestamp>,
        last_step -> BigInt,
        created_at -> Timestamp,
    }
}

diesel::table! {
    confirmations (bank_reference) {
        bank_reference -> Text,
        payout_id -> Text,
        outcome -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    tax_profiles (worker_id) {
        worker_id -> Text,
        person -> Text,
        complete -> Bool,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        version -> BigInt,
        keep_until -> Nullable<Timestamp>,
    }
}

diesel::table! {
    paper_letters (worker_id, kind) {
        worker_id -> Text,
        kind -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    payment_notices (payout_id) {
        payout_id -> Text,
        worker_id -> Text,
        currency -> Text,
        from_minor -> BigInt,
        to_minor -> BigInt,
        body -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    selfbilling_agreements (worker_id, number) {
        worker_id -> Text,
        number -> BigInt,
        action -> Text,
        terms_version -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    selfbilling_documents (id) {
        id -> Text,
        worker_id -> Text,
        number -> BigInt,
        kind -> Text,
        payout_id -> Text,
        original_id -> Nullable<Text>,
        reason -> Nullable<Text>,
        amount_minor -> BigInt,
        currency -> Text,
        body -> Text,
        issued_at -> Timestamp,
    }
}

diesel::table! {
    selfbilling_parties (document_id) {
        document_id -> Text,
        worker_id -> Text,
        person -> Text,
        keep_until -> Timestamp,
    }
}

diesel::table! {
    erasures (worker_id) {
        worker_id -> Text,
        asked_by -> Text,
        waived -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    idempotency_keys (caller, route, key) {
        caller -> Text,
        route -> Text,
        key -> Text,
        request_hash -> Text,
        response -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    jobs (id) {
        id -> Text,
        kind -> Text,
        subject -> Text,
        state -> Text,
        run_at -> Timestamp,
        attempts -> BigInt,
        locked_by -> Nullable<Text>,
        locked_until -> Nullable<Timestamp>,
        last_error -> Nullable<Text>,
        created_at -> Timestamp,
        done_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    events (id) {
        id -> Text,
        at -> Timestamp,
        actor_kind -> Text,
        actor_id -> Nullable<Text>,
        request_id -> Text,
        kind -> Text,
        subject -> Text,
        brand_id -> Nullable<Text>,
        cause -> Nullable<Text>,
        from_state -> Nullable<Text>,
        to_state -> Nullable<Text>,
        rule_version -> Nullable<Text>,
        data -> Text,
    }
}

diesel::table! {
    event_seals (seq) {
        seq -> BigInt,
        event_id -> Text,
        previous_hash -> Text,
        hash -> Text,
    }
}

diesel::table! {
    unsealed_events (event_id) {
        event_id -> Text,
    }
}

diesel::table! {
    outbox (id) {
        id -> Text,
        event_id -> Text,
        channel -> Text,
        address -> Text,
        body -> Text,
        created_at -> Timestamp,
        next_at -> Timestamp,
        attempts -> BigInt,
        delivered_at -> Nullable<Timestamp>,
        gave_up_at -> Nullable<Timestamp>,
        last_error -> Nullable<Text>,
    }
}

diesel::table! {
    worker_qualifications (worker_id, code) {
        worker_id -> Text,
        code -> Text,
        granted_by -> Text,
        granted_at -> Timestamp,
    }
}

diesel::table! {
    mission_changes (id) {
        id -> BigInt,
        stamp -> BigInt,
        mission_id -> Nullable<Text>,
        worker_id -> Nullable<Text>,
    }
}

diesel::table! {
    fee_rates (owner) {
        owner -> Text,
        fee_bps -> BigInt,
        set_by -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    budgets (campaign_id) {
        campaign_id -> Text,
        reserve_minor -> Nullable<BigInt>,
        auto_top_up_minor -> BigInt,
        auto_topped_minor -> BigInt,
        updated_at -> Timestamp,
        retry_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    bonuses (id) {
        id -> Text,
        kind -> Text,
        worker_id -> Text,
        brand_id -> Nullable<Text>,
        campaign_id -> Nullable<Text>,
        submission_id -> Nullable<Text>,
        amount_minor -> BigInt,
        currency -> Text,
        reason -> Text,
        given_by -> Nullable<Text>,
        journal_id -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    reversals (journal_id) {
        journal_id -> Text,
        reversed_id -> Text,
        reason -> Text,
        decider_id -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    floor_checks (campaign_id) {
        campaign_id -> Text,
        visits -> BigInt,
        median_minutes -> BigInt,
        hourly_minor -> BigInt,
        difference_minor -> BigInt,
        paid_minor -> BigInt,
        unpaid_minor -> BigInt,
        at -> Timestamp,
        short_since -> Nullable<Timestamp>,
    }
}

diesel::table! {
    floor_dues (submission_id) {
        submission_id -> Text,
        campaign_id -> Text,
        amount_minor -> BigInt,
        reason -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    bank_balances (id) {
        id -> Text,
        day -> Text,
        currency -> Text,
        balance_minor -> BigInt,
        note -> Text,
        recorded_by -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    cap_alerts (worker_id, year, currency) {
        worker_id -> Text,
        year -> BigInt,
        currency -> Text,
        at -> Timestamp,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    fee_rates,
    budgets,
    bonuses,
    reversals,
    floor_checks,
    floor_dues,
    bank_balances,
    cap_alerts,
    worker_qualifications,
    visit_tracks,
    mission_changes,
    users,
    sessions,
    one_time_tokens,
    sign_in_attempts,
    sanctions,
    brands,
    members,
    stores,
    store_reports,
    store_corrections,
    products,
    campaigns,
    campaign_stores,
    campaign_products,
    questionnaire_versions,
    missions,
    reservations,
    position_fixes,
    evidence,
    photo_features,
    photo_pairs,
    submissions,
    revisions,
    submission_photos,
    findings,
    assessments,
    grades,
    looks,
    decisions,
    decision_items,
    proposals,
    appeals,
    answers,
    earnings,
    accounts,
    journals,
    transfers,
    payouts,
    payout_methods,
    payout_choices,
    payout_batches,
    late_returns,
    bank_files,
    bank_entries,
    payout_words,
    gift_faces,
    gift_codes,
    step_ups,
    confirmations,
    tax_profiles,
    paper_letters,
    payment_notices,
    selfbilling_agreements,
    selfbilling_documents,
    selfbilling_parties,
    erasures,
    idempotency_keys,
    jobs,
    events,
    event_seals,
    unsealed_events,
    outbox,
);
