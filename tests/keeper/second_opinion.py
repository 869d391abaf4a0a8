"""The limits of docs/spec.md section 9 once more, from its table alone: plain integers over dicts.

Imports nothing of the keeper. Each judge returns every limit a command breaks, by its code, with
the limit and the value that docs/spec.md says are compared; nothing broken is an empty answer.
"""

from typing import Any

Case = dict[str, Any]
Faults = dict[str, set[tuple[int, int]]]

MILLION = 1_000_000
Q96 = 1 << 96
HOME_FEES = 3_000  # ppm beyond the pool's fee that a sale may lose and still be one that comes home


def ceil(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)


def _note(faults: Faults, code: str, limit: int, value: int) -> None:
    faults.setdefault(code, set()).add((limit, value))


# ---- values ------------------------------------------------------------------------------------


def worth_up(market: Case, quantums: int, price: int) -> int:
    """Signed base quantums at the oracle in quote quantums, up."""
    exponent = market["oracle_exponent"] + market["atomic_resolution"] + 6
    if exponent >= 0:
        return int(quantums * price * 10**exponent)
    return ceil(quantums * price, 10**-exponent)


def paid_up(market: Case, quantums: int, subticks: int) -> int:
    exponent = market["quantum_conversion_exponent"]
    if exponent >= 0:
        return int(quantums * subticks * 10**exponent)
    return ceil(quantums * subticks, 10**-exponent)


def in_subticks(market: Case, price: int) -> int:
    shift = (
        market["oracle_exponent"]
        + 6
        + market["atomic_resolution"]
        - market["quantum_conversion_exponent"]
    )
    return int(price * 10**shift if shift >= 0 else price // 10**-shift)


def lost_at_once(market: Case, price: int, order: Case) -> int:
    """What filling an order loses against the oracle; a better price than that gains nothing."""
    paid = paid_up(market, order["quantums"], order["subticks"])
    worth = -worth_up(market, -order["quantums"], price)
    return max(0, paid - worth if order["side"] == "BUY" else worth - paid)


# ---- a market's worst case ---------------------------------------------------------------------


def open_on(orders: list[Case], side: str) -> int:
    return sum(order["quantums"] for order in orders if order["side"] == side)


def loss_on(held: Case, orders: list[Case], side: str) -> int:
    return sum(
        lost_at_once(held["market"], held["price"], order)
        for order in orders
        if order["side"] == side
    )


def towards(held: Case, orders: list[Case], side: str) -> int:
    """Position in the direction of a side once all its orders filled."""
    if side == "BUY":
        return int(held["position"] + open_on(orders, "BUY"))
    return int(open_on(orders, "SELL") - held["position"])


def net_towards(held: Case, orders: list[Case], side: str) -> int:
    pools = held["pool_high"] if side == "BUY" else -held["pool_low"]
    return towards(held, orders, side) + int(pools)


def gross(held: Case, orders: list[Case]) -> int:
    longest = held["position"] + open_on(orders, "BUY")
    shortest = held["position"] - open_on(orders, "SELL")
    return worth_up(held["market"], max(abs(longest), abs(shortest)), held["price"])


def margin(held: Case, orders: list[Case]) -> int:
    needed = ceil(gross(held, orders) * held["market"]["initial_margin_ppm"], MILLION)
    return needed + max(loss_on(held, orders, "BUY"), loss_on(held, orders, "SELL"))


def shock_loss(held: Case, orders: list[Case], side: str, shock_ppm: int) -> int:
    moved = worth_up(held["market"], net_towards(held, orders, side), held["price"])
    return ceil(moved * shock_ppm, MILLION) + loss_on(held, orders, side)


def short_needs(held: Case, shock_ppm: int) -> int:
    """Equity that a market's short takes to survive a rise."""
    short = max(0, -held["position"], held["pool"])
    part = shock_ppm * MILLION + held["market"]["maintenance_margin_ppm"] * (MILLION + shock_ppm)
    return ceil(worth_up(held["market"], short, held["price"]) * part, MILLION * MILLION)


# ---- orders ------------------------------------------------------------------------------------


def judge_order(case: Case) -> Faults:
    """Every limit that one order breaks."""
    faults: Faults = {}
    order, limits, held = case["order"], case["limits"], case["held"]
    market, price = held["market"], held["price"]
    if case["phase"] == "HALTED":
        _note(faults, "HALTED", 0, 1)
    if case["phase"] == "EXITING" and not order["reduce_only"]:
        _note(faults, "EXITING", 0, 1)
    sign = 1 if order["side"] == "BUY" else -1
    if order["reduce_only"]:
        closes = held["position"] * sign < 0 and order["quantums"] <= abs(held["position"])
        if not closes or order["time_in_force"] != "IOC":
            _note(faults, "NOT_REDUCING", -held["position"], order["quantums"])
    if case["messages"] + 1 > limits["max_messages_per_block"]:
        _note(faults, "MESSAGE_RATE", limits["max_messages_per_block"], case["messages"] + 1)
    if order["quantums"] <= 0 or order["quantums"] % market["step_base_quantums"]:
        _note(faults, "SIZE_STEP", market["step_base_quantums"], order["quantums"])
    if order["subticks"] <= 0 or order["subticks"] % market["subticks_per_tick"]:
        _note(faults, "PRICE_TICK", market["subticks_per_tick"], order["subticks"])
    if market["status"] == "POST_ONLY" and order["time_in_force"] != "POST_ONLY":
        _note(faults, "MARKET_STATUS", 0, 1)
    if price <= 0:
        _note(faults, "ZERO_ORACLE", 1, price)
        return faults
    _judge_price(faults, case, in_subticks(market, price))
    left = order["quantums"] - case["filled"]
    value = max(worth_up(market, abs(left), price), paid_up(market, left, order["subticks"]))
    if value > limits["max_order_quote_quantums"]:
        _note(faults, "MAX_ORDER", limits["max_order_quote_quantums"], value)
    _judge_exposure(faults, case, sign)
    return faults


def _judge_price(faults: Faults, case: Case, oracle: int) -> None:
    order, limits = case["order"], case["limits"]
    bands = [("PRICE_BAND", limits["price_band_ppm"], oracle)]
    if limits["other_venue_band_ppm"]:
        band_ppm = limits["other_venue_band_ppm"]
        bands += [("VENUE_BAND", band_ppm, elsewhere) for elsewhere in case["elsewhere"]]
    for code, band_ppm, middle in bands:
        away = abs(order["subticks"] - middle)
        if away * MILLION > band_ppm * middle:
            _note(faults, code, band_ppm, away * MILLION // middle)


def _judge_exposure(faults: Faults, case: Case, sign: int) -> None:
    order, held, limits = case["order"], case["held"], case["limits"]
    before, after, side = case["before"], case["after"], order["side"]
    opening = open_on(after, side)
    room = max(0, -sign * (held["position"] + held["pool"]))
    if case["phase"] == "REDUCING" and opening > room:
        _note(faults, "REDUCING", room, opening)
    if before == after or order["reduce_only"]:
        return
    if opening > room:
        for code, limit, value in stops(case, sign):
            _note(faults, code, limit, value)
    _judge_size(faults, case)
    market, price = held["market"], held["price"]
    net = net_towards(held, after, side)
    most = case["max_position_quote_quantums"]
    if worth_up(market, net, price) > most and net > net_towards(held, before, side):
        _note(faults, "MAX_POSITION", most, worth_up(market, net, price))
    rest = case["others"]
    sums = (
        ("MAX_GROSS", limits["max_gross_quote_quantums"], gross),
        ("MARGIN", case["equity"], margin),
    )
    for code, most, measure in sums:
        total = sum(measure(other, other["orders"]) for other in rest) + measure(held, after)
        if total > most and measure(held, after) > measure(held, before):
            _note(faults, code, most, total)
    _judge_stress(faults, case)


def _judge_stress(faults: Faults, case: Case) -> None:
    limits, held, side = case["limits"], case["held"], case["order"]["side"]
    shock_ppm = limits["stress_shock_ppm"]
    if not shock_ppm:
        return
    most = limits["stress_loss_multiple"] * limits["daily_loss_quote_quantums"]
    rest = sum(shock_loss(other, other["orders"], side, shock_ppm) for other in case["others"])
    after = shock_loss(held, case["after"], side, shock_ppm)
    if rest + after > most and after > shock_loss(held, case["before"], side, shock_ppm):
        _note(faults, "STRESS", most, rest + after)


def stops(case: Case, sign: int) -> list[tuple[str, int, int]]:
    """What allows a side no more than to bring net delta to zero."""
    limits, told = case["limits"], case["told"]
    found = []
    age, most = told["report_age"], limits["max_report_age_seconds"]
    if most and age is not None and age > most:
        found.append(("REPORT_AGE", most, age))
    found += _asset(limits, told)
    needs = (
        limits["max_open_interest_ppm"],
        limits["max_volume_ppm"],
        limits["max_funding_ppm_per_day"],
    )
    old = told["facts_age_ms"] < 0 or told["facts_age_ms"] > limits["max_market_facts_age_ms"]
    if any(needs) and old:
        found.append(("MARKET_FACTS", limits["max_market_facts_age_ms"], told["facts_age_ms"]))
    hourly = told["funding_ppb_per_hour"]
    paid = abs(hourly) * 24 // 1_000 * (sign if hourly >= 0 else -sign)
    if needs[2] and paid > needs[2]:
        found.append(("FUNDING", needs[2], paid))
    return found


def _asset(limits: Case, told: Case) -> list[tuple[str, int, int]]:
    """An old price of the vault's asset, or one off 1."""
    if not limits["max_depeg_ppm"]:
        return []
    most, age = limits["max_asset_price_age_seconds"], told["asset_price_age"]
    found = [("ASSET_PRICE", most, age)] if age < 0 or age > most else []
    price, one = told["asset_price"], 10**8
    away = abs(price - one) * MILLION // one if price > 0 else MILLION
    if away > limits["max_depeg_ppm"]:
        found.append(("DEPEG", limits["max_depeg_ppm"], away))
    return found


def _judge_size(faults: Faults, case: Case) -> None:
    limits, told, held = case["limits"], case["told"], case["held"]
    side, step = case["order"]["side"], held["market"]["step_base_quantums"]
    caps = []
    if limits["max_open_interest_ppm"]:
        part = told["open_interest"] * limits["max_open_interest_ppm"] // MILLION
        caps.append(("OPEN_INTEREST", part))
    if limits["max_volume_ppm"]:
        part = told["volume_quote_quantums"] * limits["max_volume_ppm"] // MILLION
        exponent = held["market"]["oracle_exponent"] + held["market"]["atomic_resolution"] + 6
        size = (
            part * 10**-exponent // held["price"]
            if exponent < 0
            else part // (held["price"] * 10**exponent)
        )
        caps.append(("VOLUME", size - size % step))
    if limits["depth_refills"]:
        depth = told["bid_depth"] if side == "BUY" else told["ask_depth"]
        caps.append(("DEPTH", depth * limits["depth_refills"]))
    worst = towards(held, case["after"], side)
    for code, most in caps:
        if worst > most and worst > towards(held, case["before"], side):
            _note(faults, code, most, worst)


# ---- pools -------------------------------------------------------------------------------------


def amount0(low: int, high: int, liquidity: int, up: bool) -> int:
    over = (liquidity << 96) * (high - low)
    return ceil(ceil(over, high), low) if up else over // high // low


def amount1(low: int, high: int, liquidity: int, up: bool) -> int:
    moved = liquidity * (high - low)
    return ceil(moved, Q96) if up else moved // Q96


def in_range(entry: Case, price: int, up: bool) -> tuple[int, int]:
    """Both tokens of a range at a square root price."""
    low, high, liquidity = entry["lower"], entry["upper"], entry["liquidity"]
    at = min(max(price, low), high)
    return amount0(at, high, liquidity, up), amount1(low, at, liquidity, up)


def base_worth(pool: Case, base: int, price: int) -> int:
    """Base units in asset units, down, as the adapter rounds."""
    if pool["asset_is_token0"]:
        return worth1(base, price)
    return worth0(base, price)


def worth0(amount: int, price: int) -> int:
    return amount * (price * price >> 64) >> 128


def worth1(amount: int, price: int) -> int:
    return (amount << 128) // ceil(price * price, 1 << 64)


def slipped(price: int, ppm: int) -> int:
    return price * (2 * MILLION + ppm) // (2 * MILLION)


def judge_pool(case: Case) -> Faults:
    """Every limit that a mint, a burn or a swap breaks."""
    faults: Faults = {}
    pool, command = case["pool"], case["command"]
    burns = command["kind"] == "burn"
    sells = command["kind"] == "swap" and command["sells_base"]
    if case["phase"] == "HALTED":
        _note(faults, "HALTED", 0, 1)
    if case["phase"] == "EXITING" and not (burns or sells):
        _note(faults, "EXITING", 0, 1)
    if case["age_ms"] > pool["snapshot_max_age_ms"]:
        _note(faults, "SNAPSHOT_AGE", pool["snapshot_max_age_ms"], case["age_ms"])
    ready = pool["last_operation_at"] + pool["cooldown_seconds"]
    if pool["last_operation_at"] and case["now"] < ready:
        _note(faults, "COOLDOWN", ready, case["now"])
    latest = case["now"] + case["deadline_seconds"]
    if not case["now"] < command["deadline"] <= latest:
        _note(faults, "DEADLINE", latest, command["deadline"])
    if burns:
        _judge_burn(faults, pool, command)
        return faults
    if pool["mark"] <= 0:
        _note(faults, "ZERO_MARK", 1, pool["mark"])
        return faults
    _judge_allowance(faults, case, sells)
    low, high = sorted((pool["price"] ** 2, pool["mark"] ** 2))
    gap = (high - low) * MILLION // low
    if gap > pool["max_slippage_ppm"]:
        _note(faults, "POOL_OFF_MARK", pool["max_slippage_ppm"], gap)
    if command["kind"] == "swap":
        _judge_swap(faults, pool, command)
    else:
        _judge_mint(faults, pool, command)
    if not sells and not faults:
        _judge_growth(faults, case)
    return faults


def _judge_burn(faults: Faults, pool: Case, command: Case) -> None:
    held = sum(
        entry["liquidity"]
        for entry in pool["ranges"]
        if (entry["lower"], entry["upper"]) == (command["lower"], command["upper"])
    )
    if not 0 < command["liquidity"] <= held:
        _note(faults, "LIQUIDITY", held, command["liquidity"])
    slip = pool["max_slippage_ppm"]
    least0 = in_range(command, slipped(pool["price"], slip), False)[0]
    least1 = in_range(command, slipped(pool["price"], -slip), False)[1]
    for least, wanted in ((least0, command["min0"]), (least1, command["min1"])):
        if wanted < least:
            _note(faults, "SLIPPAGE", least, wanted)


def _judge_allowance(faults: Faults, case: Case, sells: bool) -> None:
    """What the mandate forbids is free to a sale for 3,000 ppm and the fee less than its worth."""
    pool, command, told = case["pool"], case["command"], case["told"]
    worth = base_worth(pool, command["amount_in"], pool["mark"]) if sells else 0
    fair = ceil(worth * (MILLION - pool["fee_ppm"] - HOME_FEES), MILLION) + 1
    if not (sells and command["least_out"] >= fair):
        if case["now"] < told["refilled_at"]:
            _note(faults, "LOSSES_SPENT", told["refilled_at"], case["now"])
        if case["now"] < told["paused_until"]:
            _note(faults, "VAULT_PAUSED", told["paused_until"], case["now"])
    if not sells:
        _judge_wait(faults, case)


def _judge_wait(faults: Faults, case: Case) -> None:
    limits, told = case["limits"], case["told"]
    if 0 < limits["max_base_fee_wei"] < told["base_fee_wei"]:
        _note(faults, "GAS_CEILING", limits["max_base_fee_wei"], told["base_fee_wei"])
    if 0 < limits["max_report_age_seconds"] < told["report_age"]:
        _note(faults, "REPORT_AGE", limits["max_report_age_seconds"], told["report_age"])
    for code, most, value in _asset(limits, told):
        _note(faults, code, most, value)


def _judge_swap(faults: Faults, pool: Case, command: Case) -> None:
    takes0 = command["sells_base"] is not pool["asset_is_token0"]
    held = pool["idle0"] if takes0 else pool["idle1"]
    if not 0 < command["amount_in"] <= held:
        _note(faults, "IDLE_SHORT", held, command["amount_in"])
    value = (worth0 if takes0 else worth1)(command["amount_in"], pool["mark"])
    kept = max(0, MILLION - pool["fee_ppm"] - pool["max_slippage_ppm"])
    least = max(1, value * kept // MILLION)
    if command["least_out"] < least:
        _note(faults, "SLIPPAGE", least, command["least_out"])


def _judge_mint(faults: Faults, pool: Case, command: Case) -> None:
    if command["liquidity"] <= 0:
        _note(faults, "LIQUIDITY", 1, command["liquidity"])
        return
    slip = pool["max_slippage_ppm"]
    most0 = in_range(command, slipped(pool["price"], -slip), True)[0]
    most1 = in_range(command, slipped(pool["price"], slip), True)[1]
    for most, wanted in (
        (min(most0, pool["idle0"]), command["max0"]),
        (min(most1, pool["idle1"]), command["max1"]),
    ):
        if wanted > most:
            _note(faults, "SLIPPAGE", most, wanted)


def _growth(pool: Case, command: Case) -> Case:
    """Base units added to the most, taken from the least, added now; and value in ranges."""
    token = 1 if pool["asset_is_token0"] else 0
    if command["kind"] == "swap":
        value = (worth0 if pool["asset_is_token0"] else worth1)(command["amount_in"], pool["price"])
        return {"coming": value + 1, "going": 0, "now": value + 1, "value": 0}
    paid, kept = (in_range(command, pool["price"], up) for up in (True, False))
    end = command["upper"] if token else command["lower"]
    most = in_range(command, end, True)[token]
    value = paid[1 - token] + base_worth(pool, paid[token], pool["mark"]) + 1
    return {"coming": most - kept[token], "going": paid[token], "now": 0, "value": value}


def _judge_growth(faults: Faults, case: Case) -> None:
    pool, limits, hedge = case["pool"], case["limits"], case["hedge"]
    grown = _growth(pool, case["command"])
    lies = case["ranges_value"] + grown["value"]
    if (
        grown["value"]
        and limits["max_lp_quote_quantums"]
        and lies > limits["max_lp_quote_quantums"]
    ):
        _note(faults, "MAX_LP", limits["max_lp_quote_quantums"], lies)
    most = limits["stress_loss_multiple"] * limits["daily_loss_quote_quantums"]
    shock_ppm = limits["stress_shock_ppm"]
    if hedge is None:
        value = base_worth(pool, grown["coming"], pool["mark"]) + 1
        loss = case["fall"] + ceil(value * shock_ppm, MILLION)
        if shock_ppm and loss > most:
            _note(faults, "STRESS", most, loss)
        return
    unit = 10 ** (pool["base_decimals"] + hedge["market"]["atomic_resolution"])
    after = dict(hedge)
    after["pool"] += ceil(grown["now"], unit)
    after["pool_low"] -= ceil(grown["going"], unit)
    after["pool_high"] += ceil(grown["coming"], unit)
    _judge_ends(faults, case, after, most)
    needs = case["other_needs"] + short_needs(after, limits["hedge_shock_ppm"])
    if limits["hedge_shock_ppm"] and needs > case["equity"]:
        _note(faults, "HEDGE_MARGIN", case["equity"], needs)


def _judge_ends(faults: Faults, case: Case, after: Case, most: int) -> None:
    hedge, shock_ppm = case["hedge"], case["limits"]["stress_shock_ppm"]
    orders = hedge["orders"]
    for side, elsewhere in (("BUY", case["fall"]), ("SELL", case["rise"])):
        net = net_towards(after, orders, side)
        value = worth_up(hedge["market"], net, hedge["price"])
        if value > case["max_position"] and net > net_towards(hedge, orders, side):
            _note(faults, "MAX_POSITION", case["max_position"], value)
        loss = shock_loss(after, orders, side, shock_ppm)
        raised = loss > shock_loss(hedge, orders, side, shock_ppm)
        if shock_ppm and raised and elsewhere + loss > most:
            _note(faults, "STRESS", most, elsewhere + loss)


# ---- capital -----------------------------------------------------------------------------------


def judge_allocation(case: Case) -> Faults:
    """Every limit that a move of capital out of the vault breaks."""
    faults: Faults = {}
    if case["phase"] != "ACTIVE":
        _note(faults, case["phase"], 0, case["assets"])
    if case["state"] != "OPEN":
        _note(faults, "VAULT_STATE", 0, 1)
    if case["age_ms"] > case["max_age_ms"]:
        _note(faults, "STALE_VAULT", case["max_age_ms"], case["age_ms"])
    if case["now"] < case["told"]["refilled_at"]:
        _note(faults, "LOSSES_SPENT", case["told"]["refilled_at"], case["now"])
    if case["now"] < case["told"]["paused_until"]:
        _note(faults, "VAULT_PAUSED", case["told"]["paused_until"], case["now"])
    _judge_wait(faults, case)
    spare = case["idle"] - case["owed"] - case["outgoing"]
    if not 0 < case["assets"] <= spare:
        _note(faults, "IDLE_SHORT", spare, case["assets"])
    if case["to_venue"]:
        most = case["nav"] * case["venue_cap_bps"] // 10_000
        if case["clob"] + case["assets"] > most:
            _note(faults, "VENUE_CAP", most, case["clob"] + case["assets"])
        floor = ceil(case["nav"] * case["min_on_chain_bps"], 10_000)
        left = case["on_chain"] - case["outgoing"] - case["assets"]
        if left < floor:
            _note(faults, "MIN_ON_CHAIN", floor, left)
    return faults
