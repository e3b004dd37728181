//! What an operation is given: the database, the time, fresh bits, the keys and the platform's rules. No network, no
//! bytes: those belong to jobs and handlers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

use crate::access::Pass;
use crate::access::token::Keys;
use crate::access::vault::Vault;
use crate::checks::faces::Finder;
pub use crate::db::Once;
use crate::db::{Conn, Db, Place, Seed, Tx};
use crate::domain::discovery::{Able, Board, Hexes};
use crate::domain::event::Actor;
use crate::domain::ids::{CampaignId, UserId};
use crate::domain::money::Money;
use crate::domain::papers::Platform;
use crate::domain::payout::PayoutRules;
use crate::domain::refusal::Outcome;
use crate::domain::time::At;
use crate::domain::travel::Travel;
use crate::ports::bank::Rails;
use crate::ports::blobs::Blobs;
use crate::ports::clock::Clock;
use crate::ports::dice::Dice;
use crate::ports::mail::Postman;

/// Rules that the operator of a platform sets.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The platform's fee on every payment, in basis points.
    pub fee_bps: i64,
    /// Live reservations a worker may hold at once.
    pub max_reservations: i64,
    /// Share of visits that are asked for a second angle, 0 to 100.
    pub second_angle_percent: i64,
    /// Whether a worker must open the link in the e-mail before reserving.
    pub verified_email_to_reserve: bool,
    /// Where links in e-mails point.
    pub public_url: String,
    /// Sender of e-mails.
    pub mail_from: String,
    /// Whether brands see photos only after faces in them were looked for and hidden.
    pub hide_faces: bool,
    /// How long ways are taken to be.
    pub travel: Travel,
    /// Share of a campaign's rewards that publishing keeps for the pay floor, where the brand says nothing else.
    pub reserve_percent: i64,
    /// Visits after which the pay floor is looked at again.
    pub floor_visits: i64,
    /// Share of what an appeal raised that the platform adds for having been late.
    pub late_bonus_percent: i64,
    /// The most that a worker may earn in a calendar year, at most one a currency.
    pub earning_caps: Vec<Money>,
    /// How money leaves.
    pub payouts: PayoutRules,
    /// Whether payouts wait for a complete tax profile.
    pub tax_profile_to_pay: bool,
    /// Who runs the platform, as papers name it.
    pub platform: Platform,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            fee_bps: 2000,
            max_reservations: 5,
            second_angle_percent: 5,
            verified_email_to_reserve: true,
            public_url: "http://127.0.0.1:8080".to_owned(),
            mail_from: "Fieldproof <no-reply@fieldproof.invalid>".to_owned(),
            hide_faces: false,
            travel: Travel::default(),
            reserve_percent: 0,
            floor_visits: 10,
            late_bonus_percent: 0,
            earning_caps: Vec::new(),
            payouts: PayoutRules::default(),
            tax_profile_to_pay: false,
            platform: Platform::default(),
        }
    }
}

/// The board of open missions of this process, and what its workers may do. Refreshed by `ops::discovery`, asked by lists.
#[derive(Default)]
pub struct Discovery {
    board: RwLock<Board>,
    hexes: RwLock<Arc<Hexes>>,
    last: Mutex<LastRefresh>,
    workers: RwLock<Workers>,
}

/// What a refresh knows of those before it.
#[derive(Default)]
pub struct LastRefresh {
    /// `None`: the board was never read.
    pub at: Option<At>,
    /// When missions were counted by hexagons.
    pub counted: Option<At>,
    timed: HashMap<CampaignId, At>,
}

impl LastRefresh {
    /// Those of the campaigns that were not asked for within `every_secs`; they count as asked for now.
    pub fn due(&mut self, mut campaigns: Vec<CampaignId>, now: At, every_secs: i64) -> Vec<CampaignId> {
        campaigns.sort_unstable();
        campaigns.dedup();
        campaigns.retain(|id| self.timed.get(id).is_none_or(|at| now.secs_since(*at) >= every_secs));
        self.timed.extend(campaigns.iter().map(|id| (id.clone(), now)));
        campaigns
    }
}

#[derive(Default)]
struct Workers {
    able: HashMap<UserId, Arc<Able>>,
    /// How often something was forgotten: what was read before that is not kept.
    forgotten: u64,
}

/// Workers that are remembered at most.
const WORKERS_MAX: usize = 100_000;

impl Discovery {
    pub fn board(&self) -> RwLockReadGuard<'_, Board> {
        self.board.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn board_mut(&self) -> RwLockWriteGuard<'_, Board> {
        self.board.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn replace(&self, board: Board) {
        *self.board_mut() = board;
    }

    /// Missions counted by hexagons, somewhat older than the board.
    pub fn hexes(&self) -> Arc<Hexes> {
        self.hexes.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn replace_hexes(&self, hexes: Hexes) {
        *self.hexes.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(hexes);
    }

    /// Held by the one who refreshes.
    pub fn refreshing(&self) -> MutexGuard<'_, LastRefresh> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is remembered of a worker, or what `read` says.
    pub fn able(&self, worker: &UserId, read: impl FnOnce() -> Outcome<Able>) -> Outcome<Arc<Able>> {
        let workers = self.workers.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(able) = workers.able.get(worker) {
            return Ok(able.clone());
        }
        let forgotten = workers.forgotten;
        drop(workers);
        let able = Arc::new(read()?);
        let mut workers = self.workers.write().unwrap_or_else(PoisonError::into_inner);
        if workers.forgotten == forgotten {
            if workers.able.len() >= WORKERS_MAX {
                workers.able.clear();
            }
            workers.able.insert(worker.clone(), able.clone());
        }
        Ok(able)
    }

    /// Something of the worker changed.
    pub fn forget(&self, worker: &UserId) {
        let mut workers = self.workers.write().unwrap_or_else(PoisonError::into_inner);
        workers.able.remove(worker);
        workers.forgotten += 1;
    }
}

/// Made once per process.
pub struct Core {
    pub db: Db,
    pub clock: Arc<Clock>,
    pub dice: Arc<Dice>,
    pub keys: Keys,
    /// Seals what people give in confidence.
    pub vault: Vault,
    pub rules: Rules,
    /// Tells the jobs of this process that there is work, so that a worker in a store need not wait for their next look.
    pub work_came: Notify,
    pub discovery: Discovery,
}

impl Core {
    pub fn new(place: &Place, connections: u32, clock: Clock, keys: Keys, vault: Vault, rules: Rules) -> Outcome<Core> {
        let (clock, dice) = (Arc::new(clock), Arc::new(Dice::default()));
        let seed = {
            let (clock_now, clock_bits, dice) = (clock.clone(), clock.clone(), dice.clone());
            Seed { now: Arc::new(move || clock_now.now()), bits: Arc::new(move || dice.id_bits(clock_bits.now())) }
        };
        let db = Db::open(place, connections, seed)?;
        Ok(Core { db, clock, dice, keys, vault, rules, work_came: Notify::new(), discovery: Discovery::default() })
    }
}

/// The whole program without its network face: what the server, the jobs, the commands and the tests share.
#[derive(Clone)]
pub struct App {
    pub core: Arc<Core>,
    pub blobs: Blobs,
    pub rails: Rails,
    pub postman: Arc<Postman>,
    /// Photos that are looked at side by side.
    pub photo_threads: usize,
    /// What finds faces; without it this process hides none.
    pub faces: Option<Arc<dyn Finder>>,
}

impl App {
    /// A context for a job or a command.
    pub fn cx(&self) -> Cx {
        Cx::new(self.core.clone(), self.core.dice.trace_id())
    }

    pub fn now(&self) -> At {
        self.core.clock.now()
    }
}

/// The context of one request or one run of a job.
#[derive(Clone)]
pub struct Cx {
    core: Arc<Core>,
    request_id: String,
}

impl Cx {
    pub fn new(core: Arc<Core>, request_id: impl Into<String>) -> Cx {
        Cx { core, request_id: request_id.into() }
    }

    pub fn now(&self) -> At {
        self.core.clock.now()
    }

    pub fn rules(&self) -> &Rules {
        &self.core.rules
    }

    pub fn keys(&self) -> &Keys {
        &self.core.keys
    }

    pub fn vault(&self) -> &Vault {
        &self.core.vault
    }

    pub fn dice(&self) -> &Dice {
        &self.core.dice
    }

    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    pub fn discovery(&self) -> &Discovery {
        &self.core.discovery
    }

    /// Called after the commit that queued something.
    pub fn wake_jobs(&self) {
        self.core.work_came.notify_waiters();
    }

    pub fn read<T>(&self, f: impl FnOnce(&mut Conn) -> Outcome<T>) -> Outcome<T> {
        self.core.db.read(f)
    }

    /// One transaction in the name of `who`.
    pub fn write<T>(&self, who: &impl Pass, f: impl Fn(&mut Tx) -> Outcome<T>) -> Outcome<T> {
        self.core.db.write(&who.actor(), &self.request_id, f)
    }

    /// One transaction that has one effect however often its request is sent.
    pub fn write_once<T: Serialize + DeserializeOwned>(
        &self,
        who: &impl Pass,
        once: &Once,
        f: impl Fn(&mut Tx) -> Outcome<T>,
    ) -> Outcome<T> {
        let actor = who.actor();
        // Bodies hold passwords and account numbers: what is kept of them must not be found again by trying. Bound to its
        // request, it does not say who sent the same either.
        let place = format!("request {} {} {}", actor.id().unwrap_or("anyone"), once.route, once.key);
        let kept = Once { request_hash: self.vault().mark(&place, &once.request_hash), ..once.clone() };
        self.core.db.write_once(&actor, &self.request_id, &kept, f)
    }

    /// One transaction of a job or of the operator.
    pub fn write_as<T>(&self, actor: &Actor, f: impl Fn(&mut Tx) -> Outcome<T>) -> Outcome<T> {
        self.core.db.write(actor, &self.request_id, f)
    }
}

/// 128 random bits in hex, for a request that brought no trace id.
pub fn fresh_request_id() -> String {
    Dice::default().trace_id()
}
