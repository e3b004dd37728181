//! Decisions that a reader would otherwise wonder about, with their dates.
//!
//! * 2026-11-22 **The domain may hold `serde` and `serde_json::Value`.** A questionnaire *is* a JSON document and findings
//!   are stored as they are; a second tree of types for the same thing would only be copied to and fro. No I/O follows.
//! * 2026-11-22 **An operation's answer is its JSON.** Idempotent replay stores the answer in the transaction, so the
//!   shape lives beside the operation, not in `web`. Handlers stay three to six lines.
//! * 2026-11-22 **Idempotency-Key is required** on every POST under `/v1` that changes something, sign-in apart. A phone on
//!   a bad network that forgets it would reserve or pay twice; refusing early is kinder.
//! * 2026-11-22 **Group commit by hand-over, not by a writer thread.** A waiting thread runs its own closure under a
//!   savepoint when it gets the connection; the last in line commits for all. No `'static` closures, no channel, and a
//!   lone writer pays nothing.
//! * 2026-11-22 **A slot and an attempt are held together.** A mission holds reward and fee per slot, and one attempt fee
//!   more than it has slots, so that a failed visit and the re-check of a shut store are always paid.
//! * 2026-11-22 **Escrow and fees are accounts per mission.** No row is touched by every approval of a brand.
//! * 2026-11-22 **Evidence announces its SHA-256.** The phone needs it for the manifest anyway; the server then streams
//!   straight to the final key, stores the same bytes once, and can refuse damage before a row exists.
//! * 2026-11-22 **Refresh tokens: the one before the newest stays good** on its own device. An answer lost on a bad network
//!   logs nobody out; an older token, or another device, ends the session.
//! * 2026-11-22 **Ids are 128 bits**: microseconds above, random below, written in base 32 that sorts by age.
//! * 2026-11-22 **Nationwide holidays only.** The hours crate knows them without a download; regional ones need the
//!   region, which store files do not carry.
//! * 2026-11-22 **A photo taken again takes the place of the one before.** A correction is asked for because of a photo; if
//!   the old one still counted, work that was put right would stay doubtful. `photo_ids` in the new answer keeps one.
//! * 2026-11-22 **Work that comes back leaves people a day.** The clock of silence goes on through a correction, but a
//!   revisit may take seven days and silence five: without a day, whoever ignores a request would be approved unseen. It
//!   never lasts over 14 days from the first review.
//! * 2026-11-22 **Independent reports have nothing in common.** Two reports that a store is gone close it only when they
//!   share neither a file nor an exact position; more about people is not kept, on purpose.
//! * 2026-11-22 **A seal is no older than what it seals.** A check-in that the server saw after the claimed time, or a
//!   position taken after it, is a doubt. A fast phone clock shows at the check-in and is taken off.
//! * 2026-11-22 **A new questionnaire is a new campaign.** Published ones never change; the difference between two campaigns
//!   of a brand can be read, so that a reviewer's clause is checked against the text that the worker had.
//! * 2026-11-22 **A lost connection is `busy`, never a fault.** PostgreSQL may die and come back: what was not committed is
//!   undone, so the answer is 503 and "send it again". At a COMMIT nobody here knows whether it was kept; the answer says
//!   so, the operation is not run again by itself, and the same Idempotency-Key finds out.
//! * 2026-11-22 **The second of two requests under one key waits two seconds,** then hears `key_in_flight`. Most twins end
//!   sooner and get the same answer; a client that sends again and again must not come to hold every connection.
//! * 2026-11-22 **Copies are found in two steps.** Hashes of all photos lie in memory and are searched exactly: resaved,
//!   turned and mirrored copies. Crops, borders and photos of photos change every bit of a hash; for those each photo keeps
//!   96 local features, sought among photos of its store and chain of the last 90 days, and both pictures are laid on each
//!   other. The worst tenth of the tiles decides, because honest views of one shelf differ somewhere.
//! * 2026-11-22 **Features and the mapping are our own**, some 600 lines, rather than a binding to a C++ library: pure, the
//!   same everywhere, and never a panic on a hostile file. Features are found on the rendition, which both sides have.
//! * 2026-11-22 **The photo that is recorded later carries the finding**, never the earlier one; numbers given under a lock
//!   see to it that of two photos compared side by side one finds the other.
//! * 2026-11-22 **A target is "not shown" before it is met.** With n cases, all of them right, the 95% interval still
//!   reaches down to n / (n + 3.84). Below the n at which that touches the target, `eval` says "not shown", unless the
//!   interval already lies beyond it; a table of small counts that all say "met" would be believed.
//! * 2026-11-22 **Attacks are simulated, labels are not.** Copies, blur and edited times are made from real photos; what is
//!   an honest second photo is only known from labelled pairs, so without them that row stays empty.
//! * 2026-11-22 **Faces are hidden by a queue, never in a request.** A brand that asks first gets `photo_not_ready` and the
//!   photo is searched at once; else it is searched when no photo waits to be checked. A request would need the model and a
//!   third of a second in every web process, and a search that fails must not end in showing the photo: with a queue there
//!   is nothing to show until a result is recorded.
//! * 2026-11-22 **A hidden face keeps at most three blocks a side.** Blocks of 8 pixels alone leave a large face a mosaic that
//!   people and programs recognise.
//! * 2026-11-22 **A grade is kept with the decision.** A brand that bought a B must not find a C because a rule changed. What is
//!   open shows the grade of now; what is decided shows the letter, the reasons and the rule version of that day.
//! * 2026-11-22 **Each look at a photo is kept** with what it was told (window, store, zone, rules) and what it found. A window
//!   ends at the seal, or at the photo's arrival while nothing is sealed: asked again later, the same photo would be told
//!   something else, and a replay would differ without anybody's fault.
//! * 2026-11-22 **A replay uses the rules it was decided by, or none.** Photos that were checked under another version, that are
//!   gone, or that could not be looked at are named; the assessment is then made again from the findings alone. Pairs are
//!   compared by what is kept of both; nobody searches for copies that came later. Clocks and answers are not judged again.
//! * 2026-11-22 **A recheck shows, then writes what is undecided.** `fieldproof recheck` looks at photos that were checked under
//!   other rules and compares, with copies searched among the photos that came before. `--apply` writes new findings only
//!   for visits that are being checked or reviewed and that no reviewer holds; a decision, its grade and its money never
//!   move. A visit that becomes clear still waits for the person it was promised to: the machine has asked, and the queue
//!   has no arrow back. One visit is one transaction with its event, so a run may be killed and run again: what carries
//!   the version of today is passed over. Hashes stay, as others were searched with them.
//! * 2026-11-22 **What is published about the checks is printed from their tables.** Codes, sentences and levels from
//!   `domain::finding`, weights from `domain::assessment`, limits from the constants of `checks`, what a machine may decide
//!   by asking `Verdict::is_lawful`. A new code without a weight fails a test.
//! * 2026-11-22 **A near hash is a question, not an answer.** Up to 31 bits two photos are one; from 32 to 46 the pictures are
//!   laid on each other, and only what lies there is told. Hashes alone called honest second photos of one shelf copies.
//! * 2026-11-22 **What is near is answered from a board in memory.** Triggers note each change of a mission, store, campaign
//!   or reservation in `mission_changes`, so that no operation can forget to; each serving process reads them five times a
//!   second. On PostgreSQL a row carries its transaction and a reader goes back to the oldest that still runs: commits
//!   overtake each other and none is missed. There is no LISTEN/NOTIFY: a notification takes one lock for the whole server at
//!   each commit, and a quarter of a second of age harms nobody, as the reservation is checked in the database. What a
//!   worker reserves or gives back is forgotten at once in the process that did it.
//! * 2026-11-22 **A page of missions may be short.** A question looks at a bounded number of missions; where filters leave few
//!   of them, the page ends with a `next`. Sorting by pay an hour counts ten minutes of travel for everybody, since pay from
//!   where one stands would sort anew with each step; both are shown.
//! * 2026-11-22 **Signs about positions are found when positions arrive**, and not made again by a replay: they depend on what
//!   others had sent by then. A sign is a doubt at most. A fresh, true walk with another phone's position shows none, and the
//!   table of `eval tracks` says so in rows of its own.
//! * 2026-11-22 **Exact positions end with the appeal window.** The verdict, the distance to ten metres and the shape of the way
//!   in metres from its own beginning stay; triggers let the rows go only when the visit says that they were dropped.
//! * 2026-11-22 **Nobody is a worker and a member of a brand**, so no rule keeps workers from missions of their own brand.
//! * 2026-11-22 **A file of stores is written in transactions of 2000 rows**, not whole: on SQLite nobody else writes while one
//!   runs. Killed in between, the same command goes on where it stopped, because rows are known by source and source id. Rows
//!   without a name or a position are told and left out; any other mistake keeps the whole file out, for somebody can correct it.
//! * 2026-11-22 **A merged store keeps its visits.** Its fence judged them and its name stands in their reports; moved to
//!   another store they could not be replayed. So a store is merged only when none of its missions can still be taken
//!   (`store_in_use`); drafts follow, no mission and no money moves, and its ids stand for the kept store in every import.
//!   Where one file names both, the kept store's own row speaks, or two rows would change it back and forth.
//! * 2026-11-22 **What staff said about a place outlives files.** A pin that an admin moved is not moved back by an import of
//!   the file that had it wrong; a file that says nothing of an entrance or an outline takes none away.
//! * 2026-11-22 **A store is as near as its nearest part**: 0 inside its outline, else the nearest of edge, entrance and pin. An
//!   outline can only help a worker. A photo's position is judged by one circle around the pin that holds all of it.
//! * 2026-11-22 **Three check-ins propose, an admin moves the pin.** Of each worker the newest sure position counts, so who came
//!   to the pin after all says nothing. Findings already made stay: a reviewer sees the proposal, nobody is judged by it.
//! * 2026-11-22 **A period is closed an hour after its end.** A journal bears the time at which its transaction began, so
//!   one that began in a period may be committed after it. A statement of it is refused with `period_open` until then:
//!   requests wait seconds for locks, never an hour. What is read after that reads the same for ever: only transfers of
//!   the period are listed, by id, and nothing that may change (names, states, today's balances) stands in it.
//! * 2026-11-22 **A statement has a line a journal, not a transfer,** with the platform's fee beside it: worker and brand
//!   read the same figure for the same visit.
//! * 2026-11-22 **A reversal is a journal, and only for what follows from nobody's work**: fundings and bonuses. It names the
//!   one it undoes, once, and is refused when the money is not there any more, so that nobody is made to owe.
//! * 2026-11-22 **No commission on bonuses and on the pay floor.** They are fairness, not sales; every centime arrives.
//! * 2026-11-22 **The pay floor is looked at again with real visits.** From ten approved visits on, their median time is put
//!   in the place of the brand's estimate. Each approved visit gets what lacks then, rounded up, once: from the reserve
//!   that publishing set aside, then from available money, whole visits only. What neither covers is owed, visit
//!   by visit as it was found, whatever later visits take: the brand is told, finance sees it under
//!   `/v1/admin/floor-checks`, no refund takes the money for it, and it is paid as soon as there is some.
//! * 2026-11-22 **A late bonus is money that the platform puts in,** from a funding account of its own kept per worker. The
//!   bank must then hold more: safeguarding shows it as short until the platform has paid it in.
//! * 2026-11-22 **A top-up is more slots.** It is the least that lets a running campaign go on without changing what workers
//!   and reviewers were told. By itself a campaign adds one slot to a mission whose slots are all done, up to the limit
//!   that its brand set; setting the limit again starts the count anew.
//! * 2026-11-22 **The yearly cap refuses reservations, never pay.** It is looked at before a slot is given; what is held then
//!   is paid, even beyond the cap.
//! * 2026-11-22 **Commissions and budgets have tables of their own.** The row of a published campaign never changes with
//!   them, and a rate is the nearest of campaign, brand and platform when it is published.
//! * 2026-11-22 **Every new payout method waits 48 hours, the first one too.** Whoever takes a phone takes an account without a
//!   method as easily as one with another. Only the test bank, which moves no money, does not wait. While a worker is
//!   suspended, methods whose hold ended before are paid to and no others; the money stays theirs.
//! * 2026-11-22 **The worker bears what a rail costs, as it was shown**; it is fixed when the payout is asked for. What was not
//!   brought costs nothing: a payout that fails or is returned before it settled goes back whole.
//! * 2026-11-22 **One payout is one PayPal batch** under the payout's id, so a doubtful answer holds up one worker. PayPal takes
//!   a batch id once in thirty days and answers a second time with the first batch; sending the same again is how a lost
//!   answer is asked for. After twenty days nothing is sent again: a person looks.
//! * 2026-11-22 **Francs go by pain.001 too**, without the SEPA service level and to Swiss and Liechtenstein accounts only;
//!   euros to accounts in SEPA countries. One batch has one rail and one currency.
//! * 2026-11-22 **A bank's word is matched by our id and the amount to the cent**, else it is listed. A payout may come back
//!   after it settled: the settlement stays in the books and a second journal returns the money. A word that contradicts
//!   an earlier one (settled after refused) moves nothing.
//! * 2026-11-22 **Doubts of a batch are of two kinds.** What may not leave (a method removed, held, suspended) goes back to wait
//!   by itself. What may be right (two workers with one account, a large sum) stays, and its approval takes a one-time code.
//! * 2026-11-22 **A guess is counted before it is judged.** Passwords and codes are counted under a lock in a transaction of
//!   their own and forgotten when they were right, so that a hundred at the same moment are five and a pause. Who is killed
//!   in between has one wrong guess too many, which ends with the next right one.
//! * 2026-11-22 **Where money goes changes with the password and a letter.** Taking a method away needs no password: it keeps
//!   money in, and is what somebody does whose phone is gone. It is told by letter all the same.
//! * 2026-11-22 **What is kept of a request's body is keyed,** with the key of the vault that every process has, and differs
//!   for each caller and key. When the oldest key is taken away, repeats of requests from before it are refused.
//! * 2026-11-22 **A hook may offer PayPal's name of an order, never its fate.** We look it up under our own token and believe
//!   it when our two ids and the amount are there.
//! * 2026-11-22 **A payout pays the oldest credits that were never reversed**, from what arrived before on, with or without a
//!   notice. A bonus that was reversed is in no notice; where it was paid already, later credits are paid by so much less.
//! * 2026-11-22 **What comes back after it arrived is invoiced anew, with the same visits.** The invoice is taken back whole and
//!   the next one is over what came back. The rail's cost of the first way was the worker's, so the new one is smaller by it.
//! * 2026-11-22 **Papers never stand in the way of money.** A profile that does not open is one that was not given; a credit
//!   note to an invoice whose supplier does not open names the invoice only.
//! * 2026-11-22 **New terms of self-billing bind who accepts them.** An agreement to older ones goes on under its own version.
//! * 2026-11-22 **Photos stay when a worker is erased**, also of visits that were not handed in: their bytes may be those of
//!   another visit, and what was compared with them was judged by them. What banks wrote about a return stays in the rows
//!   that are never changed. The answer to the erasure says both.
