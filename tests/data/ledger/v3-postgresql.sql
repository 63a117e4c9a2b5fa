SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE FUNCTION public.approvals_delete_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF 1 = 1 THEN RAISE EXCEPTION 'approvals: nothing is deleted from the ledger'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.approvals_update_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF 1 = 1 THEN RAISE EXCEPTION 'approvals: is append-only'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.binding_delete_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF 1 = 1 THEN RAISE EXCEPTION 'binding: nothing is deleted from the ledger'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.binding_update_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF 1 = 1 THEN RAISE EXCEPTION 'binding: is append-only'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.calls_delete_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF 1 = 1 THEN RAISE EXCEPTION 'calls: nothing is deleted from the ledger'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.calls_update_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF OLD.outcome IS NOT NULL OR NEW.request_id <> OLD.request_id OR NEW.body_hash <> OLD.body_hash OR NEW.sent_at <> OLD.sent_at THEN RAISE EXCEPTION 'calls: only an open call may get its outcome, once'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.events_delete_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF 1 = 1 THEN RAISE EXCEPTION 'events: nothing is deleted from the ledger'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.events_update_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF 1 = 1 THEN RAISE EXCEPTION 'events: is append-only'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.heads_delete_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF 1 = 1 THEN RAISE EXCEPTION 'heads: nothing is deleted from the ledger'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.heads_update_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF NEW.seq <> OLD.seq + 1 OR NEW.run_id <> OLD.run_id THEN RAISE EXCEPTION 'heads: a chain grows by one event'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.holds_delete_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF 1 = 1 THEN RAISE EXCEPTION 'holds: nothing is deleted from the ledger'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.holds_update_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF OLD.released_at IS NOT NULL THEN RAISE EXCEPTION 'holds: a hold is released once'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.leases_delete_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF 1 = 1 THEN RAISE EXCEPTION 'leases: nothing is deleted from the ledger'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.leases_update_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF NEW.fence < OLD.fence THEN RAISE EXCEPTION 'leases: a fence never falls'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.letters_delete_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF 1 = 1 THEN RAISE EXCEPTION 'letters: nothing is deleted from the ledger'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.letters_update_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF OLD.written_at IS NOT NULL THEN RAISE EXCEPTION 'letters: a letter is written once'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.move_originals_delete_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF 1 = 1 THEN RAISE EXCEPTION 'move_originals: nothing is deleted from the ledger'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.move_transitions_delete_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF 1 = 1 THEN RAISE EXCEPTION 'move_transitions: nothing is deleted from the ledger'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.moves_delete_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF 1 = 1 THEN RAISE EXCEPTION 'moves: nothing is deleted from the ledger'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.moves_update_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF (NEW.state <> OLD.state OR COALESCE(NEW.prev, '') <> COALESCE(OLD.prev, '')) AND COALESCE(NEW.prev, '') <> OLD.state THEN RAISE EXCEPTION 'moves: prev must be the state that was left'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.runs_delete_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF 1 = 1 THEN RAISE EXCEPTION 'runs: nothing is deleted from the ledger'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.step_transitions_delete_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF 1 = 1 THEN RAISE EXCEPTION 'step_transitions: nothing is deleted from the ledger'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.steps_delete_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF 1 = 1 THEN RAISE EXCEPTION 'steps: nothing is deleted from the ledger'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION public.steps_update_rule() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF (NEW.state <> OLD.state OR COALESCE(NEW.prev, '') <> COALESCE(OLD.prev, '')) AND COALESCE(NEW.prev, '') <> OLD.state THEN RAISE EXCEPTION 'steps: prev must be the state that was left'; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.approvals (
    approval_id integer NOT NULL,
    plan_hash text NOT NULL,
    by text NOT NULL,
    made_by text DEFAULT ''::text NOT NULL,
    plan_path text DEFAULT ''::text NOT NULL,
    approved_at timestamp with time zone NOT NULL,
    os_user text DEFAULT ''::text NOT NULL,
    host text DEFAULT ''::text NOT NULL,
    covers_until date,
    margins boolean DEFAULT false NOT NULL
);
CREATE SEQUENCE public.approvals_approval_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.approvals_approval_id_seq OWNED BY public.approvals.approval_id;
CREATE TABLE public.binding (
    one integer NOT NULL,
    service text NOT NULL,
    bound_at timestamp with time zone NOT NULL,
    CONSTRAINT ck_binding_single CHECK ((one = 1))
);
CREATE SEQUENCE public.binding_one_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.binding_one_seq OWNED BY public.binding.one;
CREATE TABLE public.calls (
    call_id integer NOT NULL,
    subject text NOT NULL,
    customer_id text NOT NULL,
    verb text NOT NULL,
    grp integer NOT NULL,
    request_id text NOT NULL,
    path text NOT NULL,
    body_hash text NOT NULL,
    run_id text NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    outcome text,
    status integer,
    code text,
    detail text DEFAULT ''::text NOT NULL,
    answered_at timestamp with time zone,
    CONSTRAINT ck_calls_answered CHECK (((outcome IS NULL) = (answered_at IS NULL))),
    CONSTRAINT ck_calls_word CHECK ((outcome = ANY (ARRAY['done'::text, 'refused'::text, 'unclear'::text, 'unsent'::text])))
);
CREATE SEQUENCE public.calls_call_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.calls_call_id_seq OWNED BY public.calls.call_id;
CREATE TABLE public.events (
    event_id integer NOT NULL,
    run_id text NOT NULL,
    seq integer NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    customer_id text DEFAULT ''::text NOT NULL,
    before text DEFAULT ''::text NOT NULL,
    after text DEFAULT ''::text NOT NULL,
    request_id text DEFAULT ''::text NOT NULL,
    detail text DEFAULT '{}'::text NOT NULL,
    prev_hash text NOT NULL,
    hash text NOT NULL
);
CREATE SEQUENCE public.events_event_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.events_event_id_seq OWNED BY public.events.event_id;
CREATE TABLE public.heads (
    run_id text NOT NULL,
    seq integer NOT NULL,
    hash text NOT NULL
);
CREATE TABLE public.holds (
    hold_id integer NOT NULL,
    customer_id text NOT NULL,
    reason text NOT NULL,
    by text NOT NULL,
    held_at timestamp with time zone NOT NULL,
    released_by text DEFAULT ''::text NOT NULL,
    released_at timestamp with time zone
);
CREATE SEQUENCE public.holds_hold_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.holds_hold_id_seq OWNED BY public.holds.hold_id;
CREATE TABLE public.leases (
    subject text NOT NULL,
    holder text NOT NULL,
    fence integer NOT NULL,
    since timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL
);
CREATE TABLE public.letters (
    customer_id text NOT NULL,
    letter text NOT NULL,
    cycle text NOT NULL,
    language text NOT NULL,
    file text NOT NULL,
    run_id text NOT NULL,
    claimed_at timestamp with time zone NOT NULL,
    written_at timestamp with time zone
);
CREATE TABLE public.meta (
    key text NOT NULL,
    value text NOT NULL
);
CREATE TABLE public.move_originals (
    move_id text NOT NULL,
    original text NOT NULL,
    service text NOT NULL,
    customer_id text NOT NULL,
    part integer NOT NULL,
    state text NOT NULL
);
CREATE TABLE public.move_transitions (
    prev text NOT NULL,
    state text NOT NULL
);
CREATE TABLE public.moves (
    move_id text NOT NULL,
    service text NOT NULL,
    customer_id text NOT NULL,
    part integer NOT NULL,
    state text DEFAULT 'planned'::text NOT NULL,
    prev text,
    reason text DEFAULT ''::text NOT NULL,
    plan_hash text NOT NULL,
    batch text NOT NULL,
    target_offer text NOT NULL,
    sku_id text DEFAULT ''::text NOT NULL,
    target_sku_id text DEFAULT ''::text NOT NULL,
    seats integer NOT NULL,
    term text NOT NULL,
    billing_cycle text NOT NULL,
    auto_renew boolean,
    same_offer boolean NOT NULL,
    expires_on date,
    cart_id text,
    cart_made_at timestamp with time zone,
    cart_expires_at timestamp with time zone,
    order_id text,
    subscription_id text,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone,
    ordered_at timestamp with time zone,
    provisioned_at timestamp with time zone,
    verified_at timestamp with time zone,
    reassigned_at timestamp with time zone,
    CONSTRAINT ck_moves_begins_planned CHECK (((prev IS NOT NULL) OR (state = 'planned'::text))),
    CONSTRAINT ck_moves_cart_known CHECK (((state <> ALL (ARRAY['cart'::text, 'sent'::text])) OR (cart_id IS NOT NULL))),
    CONSTRAINT ck_moves_order_known CHECK (((state <> ALL (ARRAY['ordered'::text, 'provisioned'::text, 'verified'::text, 'reassigned'::text])) OR (order_id IS NOT NULL))),
    CONSTRAINT ck_moves_seats CHECK ((seats > 0)),
    CONSTRAINT ck_moves_sent_known CHECK (((state <> 'sent'::text) OR (sent_at IS NOT NULL))),
    CONSTRAINT ck_moves_subscription_known CHECK (((state <> ALL (ARRAY['provisioned'::text, 'verified'::text, 'reassigned'::text])) OR (subscription_id IS NOT NULL))),
    CONSTRAINT ck_moves_verified_first CHECK (((state <> ALL (ARRAY['verified'::text, 'reassigned'::text])) OR (verified_at IS NOT NULL)))
);
CREATE TABLE public.runs (
    run_id text NOT NULL,
    step text NOT NULL,
    mode text NOT NULL,
    plan_hash text NOT NULL,
    batch text DEFAULT ''::text NOT NULL,
    due date,
    by text NOT NULL,
    host text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    counts text DEFAULT '{}'::text NOT NULL,
    chain_head text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.step_transitions (
    prev text NOT NULL,
    state text NOT NULL
);
CREATE TABLE public.steps (
    customer_id text NOT NULL,
    step text NOT NULL,
    state text DEFAULT 'to_do'::text NOT NULL,
    prev text,
    reason text DEFAULT ''::text NOT NULL,
    evidence text DEFAULT '{}'::text NOT NULL,
    asked_at timestamp with time zone,
    done_at timestamp with time zone,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT ck_steps_asked_known CHECK (((state <> 'asked'::text) OR (asked_at IS NOT NULL))),
    CONSTRAINT ck_steps_begins_to_do CHECK (((prev IS NOT NULL) OR (state = 'to_do'::text))),
    CONSTRAINT ck_steps_done_known CHECK (((state <> 'done'::text) OR (done_at IS NOT NULL))),
    CONSTRAINT ck_steps_word CHECK ((step = ANY (ARRAY['relationship'::text, 'agreement'::text, 'access'::text])))
);
ALTER TABLE ONLY public.approvals ALTER COLUMN approval_id SET DEFAULT nextval('public.approvals_approval_id_seq'::regclass);
ALTER TABLE ONLY public.binding ALTER COLUMN one SET DEFAULT nextval('public.binding_one_seq'::regclass);
ALTER TABLE ONLY public.calls ALTER COLUMN call_id SET DEFAULT nextval('public.calls_call_id_seq'::regclass);
ALTER TABLE ONLY public.events ALTER COLUMN event_id SET DEFAULT nextval('public.events_event_id_seq'::regclass);
ALTER TABLE ONLY public.holds ALTER COLUMN hold_id SET DEFAULT nextval('public.holds_hold_id_seq'::regclass);
INSERT INTO public.alembic_version VALUES ('0003');
INSERT INTO public.approvals VALUES (1, 'p1', 'berta', 'ana', 'plan.json', '2026-11-23 12:00:00+00', '', '', NULL, false);
INSERT INTO public.binding VALUES (1, 'rehearsal:00000000-0000-4000-8000-000000000001', '2026-11-23 12:00:00+00');
INSERT INTO public.calls VALUES (1, 'mv-2', '11111111-0000-4000-8000-000000000001', 'checkout cart-mv-2', 1, 'ca1aa556-d61c-5354-8913-41e073f992db', '/carts/cart-mv-2/checkout', 'e3be9f6f3f1e361c092b296c577ea4aa8253dd4c2767ac7cbe3e7b3c9d4a73cc', 'run-1', '2026-11-23 12:00:00+00', 'unclear', 500, NULL, 'lost', '2026-11-23 12:00:00+00');
INSERT INTO public.events VALUES (1, '', 1, '2026-11-23 12:00:00+00', 'bound', 'rehearsal:00000000-0000-4000-8000-000000000001', '', '', '', '', '{}', '', '50e774b6a4e3bed07d904e664dda35a557daeeb344322b16af51c3a18306e05a');
INSERT INTO public.events VALUES (2, '', 2, '2026-11-23 12:00:00+00', 'approved', 'p1', '', '', '', '', '{"by":"berta"}', '50e774b6a4e3bed07d904e664dda35a557daeeb344322b16af51c3a18306e05a', 'ad5bc0d44e7cd563ee8c18333449847f05e9d12dd83891f4004da43e2609d211');
INSERT INTO public.events VALUES (3, 'run-1', 1, '2026-11-23 12:00:00+00', 'run_began', 'run-1', '', '', '', '', '{"step":"provision"}', '', '33ec8bafa1822413c88f58fd30336dda63b24e12ce77c73fd71dbb49ad3be172');
INSERT INTO public.events VALUES (4, 'run-1', 2, '2026-11-23 12:00:00+00', 'claimed', 'mv-1', '11111111-0000-4000-8000-000000000001', '', 'planned', '', '{"auto_renew":true,"batch":"B001","billing_cycle":"monthly","expires_on":"2026-12-31","originals":["s1","s0"],"plan_hash":"p1","same_offer":true,"seats":10,"sku_id":"old","target_offer":"CFQ7TTC0LH18:0001","target_sku_id":"new","term":"P1Y"}', '33ec8bafa1822413c88f58fd30336dda63b24e12ce77c73fd71dbb49ad3be172', 'ee1b6053eb05f34f586cbe88d631eee4a06ef486382503cedc8cb56534ccec6f');
INSERT INTO public.events VALUES (5, 'r', 1, '2026-11-23 12:00:00+00', 'state', 'mv-1', '11111111-0000-4000-8000-000000000001', 'planned', 'cart', '', '{"cart_id":"cart-mv-1","reason":""}', '', '5c64fda4f3f0d749b31de8ab47b6eb6f69da387cd740879f9335cd38b759cf6c');
INSERT INTO public.events VALUES (6, 'r', 2, '2026-11-23 12:00:00+00', 'state', 'mv-1', '11111111-0000-4000-8000-000000000001', 'cart', 'sent', '', '{"reason":"","sent_at":"2026-11-23 12:00:00+00:00"}', '5c64fda4f3f0d749b31de8ab47b6eb6f69da387cd740879f9335cd38b759cf6c', 'ab653973d99cf2bbccc4982b4d9b0477b66cd45d6a7e5b89b230c713c0452073');
INSERT INTO public.events VALUES (7, 'r', 3, '2026-11-23 12:00:00+00', 'state', 'mv-1', '11111111-0000-4000-8000-000000000001', 'sent', 'ordered', '', '{"order_id":"order-mv-1","reason":""}', 'ab653973d99cf2bbccc4982b4d9b0477b66cd45d6a7e5b89b230c713c0452073', '36b668d14e98e1e9a9b22dc8073a9f956e0e8d7c365f003a2c8e07fe96e6c6f1');
INSERT INTO public.events VALUES (8, 'r', 4, '2026-11-23 12:00:00+00', 'state', 'mv-1', '11111111-0000-4000-8000-000000000001', 'ordered', 'provisioned', '', '{"reason":"","subscription_id":"sub-mv-1"}', '36b668d14e98e1e9a9b22dc8073a9f956e0e8d7c365f003a2c8e07fe96e6c6f1', 'bfe61f6c04fe89901baae5dcdc3c407d059cccd4982f119aefc556bc044c17d9');
INSERT INTO public.events VALUES (9, 'r', 5, '2026-11-23 12:00:00+00', 'state', 'mv-1', '11111111-0000-4000-8000-000000000001', 'provisioned', 'verified', '', '{"reason":""}', 'bfe61f6c04fe89901baae5dcdc3c407d059cccd4982f119aefc556bc044c17d9', '14cf6b5fbc20f38c0e5f1f0bcc89599853235b109412f6e18d30291f58166c7d');
INSERT INTO public.events VALUES (10, 'run-1', 3, '2026-11-23 12:00:00+00', 'claimed', 'mv-2', '11111111-0000-4000-8000-000000000001', '', 'planned', '', '{"auto_renew":null,"batch":"B001","billing_cycle":"monthly","expires_on":null,"originals":["s2"],"plan_hash":"p1","same_offer":true,"seats":10,"sku_id":"old","target_offer":"CFQ7TTC0LH18:0001","target_sku_id":"new","term":"P1Y"}', 'ee1b6053eb05f34f586cbe88d631eee4a06ef486382503cedc8cb56534ccec6f', 'ad7de52de8e37d7e347525f6f11928fff0cb5bf5c4988f4d041bf41b80b52761');
INSERT INTO public.events VALUES (11, 'r', 6, '2026-11-23 12:00:00+00', 'state', 'mv-2', '11111111-0000-4000-8000-000000000001', 'planned', 'cart', '', '{"cart_id":"cart-mv-2","reason":""}', '14cf6b5fbc20f38c0e5f1f0bcc89599853235b109412f6e18d30291f58166c7d', '0b4f82e8c75336233157dddd19558498d56af4827a11d9a2a691e0f78aa20f3f');
INSERT INTO public.events VALUES (12, 'run-1', 4, '2026-11-23 12:00:00+00', 'state', 'mv-2', '11111111-0000-4000-8000-000000000001', 'cart', 'sent', '', '{"reason":"","sent_at":"2026-11-23 12:00:00+00:00"}', 'ad7de52de8e37d7e347525f6f11928fff0cb5bf5c4988f4d041bf41b80b52761', '5b094242ca5ff1ec57b954890ed64e2fef35e9c7c6a2d0e2f962e1347c3ce5bb');
INSERT INTO public.events VALUES (13, 'run-1', 5, '2026-11-23 12:00:00+00', 'intent', 'mv-2', '11111111-0000-4000-8000-000000000001', '', '', 'ca1aa556-d61c-5354-8913-41e073f992db', '{"body_hash":"e3be9f6f3f1e361c092b296c577ea4aa8253dd4c2767ac7cbe3e7b3c9d4a73cc","path":"/carts/cart-mv-2/checkout","verb":"checkout cart-mv-2"}', '5b094242ca5ff1ec57b954890ed64e2fef35e9c7c6a2d0e2f962e1347c3ce5bb', 'c6df8bc2a7cbe857b24a35a653a31c2ec99a0a9452a045dfc7cac75f7cfd9422');
INSERT INTO public.events VALUES (14, 'run-1', 6, '2026-11-23 12:00:00+00', 'outcome', 'mv-2', '11111111-0000-4000-8000-000000000001', '', '', 'ca1aa556-d61c-5354-8913-41e073f992db', '{"code":null,"detail":"lost","outcome":"unclear","status":500,"verb":"checkout cart-mv-2"}', 'c6df8bc2a7cbe857b24a35a653a31c2ec99a0a9452a045dfc7cac75f7cfd9422', '8b7ad4110058b17aa5eee8c101175f542b3b6c59bda1108a444e3855098d958b');
INSERT INTO public.events VALUES (15, 'run-1', 7, '2026-11-23 12:00:00+00', 'claimed', 'mv-3', '11111111-0000-4000-8000-000000000001', '', 'planned', '', '{"auto_renew":true,"batch":"B001","billing_cycle":"monthly","expires_on":"2026-12-31","originals":["s3"],"plan_hash":"p1","same_offer":true,"seats":10,"sku_id":"old","target_offer":"CFQ7TTC0LH18:0001","target_sku_id":"new","term":"P1Y"}', '8b7ad4110058b17aa5eee8c101175f542b3b6c59bda1108a444e3855098d958b', 'aff7965a18247beb66c3a6e30461a0ab249b96368220d9d7962195d9748d0fb6');
INSERT INTO public.events VALUES (16, 'r', 7, '2026-11-23 12:00:00+00', 'state', 'mv-3', '11111111-0000-4000-8000-000000000001', 'planned', 'refused', '', '{"reason":""}', '0b4f82e8c75336233157dddd19558498d56af4827a11d9a2a691e0f78aa20f3f', 'cb4a6efa2d10f7f44427189307f51b16bd032f66251ef959df85b202b153acaf');
INSERT INTO public.events VALUES (17, 'run-1', 8, '2026-11-23 12:00:00+00', 'claimed', 'mv-4', '11111111-0000-4000-8000-000000000001', '', 'planned', '', '{"auto_renew":true,"batch":"B001","billing_cycle":"monthly","expires_on":"2026-12-31","originals":["s4"],"plan_hash":"p1","same_offer":true,"seats":10,"sku_id":"old","target_offer":"CFQ7TTC0LH18:0001","target_sku_id":"new","term":"P1Y"}', 'aff7965a18247beb66c3a6e30461a0ab249b96368220d9d7962195d9748d0fb6', '79b890d2b98d294287cbbf753f9f513281273f9d118e9408cda08c816042b7b7');
INSERT INTO public.events VALUES (18, 'r', 8, '2026-11-23 12:00:00+00', 'state', 'mv-4', '11111111-0000-4000-8000-000000000001', 'planned', 'cart', '', '{"cart_id":"cart-mv-4","reason":""}', 'cb4a6efa2d10f7f44427189307f51b16bd032f66251ef959df85b202b153acaf', '8839a6b51e20d7703cd390c757297fcfdd8c6b9a04c844db7434a88e3ae5fb0c');
INSERT INTO public.events VALUES (19, 'r', 9, '2026-11-23 12:00:00+00', 'state', 'mv-4', '11111111-0000-4000-8000-000000000001', 'cart', 'sent', '', '{"reason":"","sent_at":"2026-11-23 12:00:00+00:00"}', '8839a6b51e20d7703cd390c757297fcfdd8c6b9a04c844db7434a88e3ae5fb0c', 'a6dc9d9f902752bc2d6a37b8f957687d10fce0be38bfa7928acecec232565ce1');
INSERT INTO public.events VALUES (20, 'r', 10, '2026-11-23 12:00:00+00', 'state', 'mv-4', '11111111-0000-4000-8000-000000000001', 'sent', 'human', '', '{"reason":""}', 'a6dc9d9f902752bc2d6a37b8f957687d10fce0be38bfa7928acecec232565ce1', 'dc9372cc5cadb12f7f81d08d356306dd13d4b2b969e3af07cf3a8982b4b07105');
INSERT INTO public.events VALUES (21, 'run-1', 9, '2026-11-23 12:00:00+00', 'step', 'relationship', '11111111-0000-4000-8000-000000000001', 'to_do', 'asked', '', '{"reason":"invited"}', '79b890d2b98d294287cbbf753f9f513281273f9d118e9408cda08c816042b7b7', '0dd8359543b47496d38dd8859d25007fcfefabd88fafa2f309b472d84da457ee');
INSERT INTO public.events VALUES (22, 'run-1', 10, '2026-11-23 12:00:00+00', 'step', 'relationship', '11111111-0000-4000-8000-000000000001', 'asked', 'done', '', '{"reason":""}', '0dd8359543b47496d38dd8859d25007fcfefabd88fafa2f309b472d84da457ee', '326b048baca1a58941995be2abf260a9c9ebc149ee411ee6dac940a06787dbbb');
INSERT INTO public.events VALUES (23, 'run-1', 11, '2026-11-23 12:00:00+00', 'letter_claimed', 'invitation', '11111111-0000-4000-8000-000000000001', '', '', '', '{"file":"a.eml"}', '326b048baca1a58941995be2abf260a9c9ebc149ee411ee6dac940a06787dbbb', '3be6baa1719c9f5a5bd438e9ea49f5b38c89ae14e9cca75ea787802836c9530c');
INSERT INTO public.events VALUES (24, 'run-1', 12, '2026-11-23 12:00:00+00', 'letter_written', 'invitation', '11111111-0000-4000-8000-000000000001', '', '', '', '{}', '3be6baa1719c9f5a5bd438e9ea49f5b38c89ae14e9cca75ea787802836c9530c', '7cf235f95c8e112c78b9970f7e95b516feb1a3131dcbab252fbf9d003326a1c5');
INSERT INTO public.events VALUES (25, '', 3, '2026-11-23 12:00:00+00', 'held', '11111111-0000-4000-8000-000000000001', '', '', '', '', '{"by":"ana","reason":"customer asked"}', 'ad5bc0d44e7cd563ee8c18333449847f05e9d12dd83891f4004da43e2609d211', 'fe10e0f460aad39285550fc45a9d0dc47a5ecc7fb5355ab3f1c65a19334c0298');
INSERT INTO public.events VALUES (26, '', 4, '2026-11-23 12:00:00+00', 'released', '11111111-0000-4000-8000-000000000001', '', '', '', '', '{"by":"ana"}', 'fe10e0f460aad39285550fc45a9d0dc47a5ecc7fb5355ab3f1c65a19334c0298', 'deac1fd9446a0a22901f3dbda95b4ac1d2e186dad4ea70710a2a7c443bf1e17f');
INSERT INTO public.events VALUES (27, '', 5, '2026-11-23 12:00:00+00', 'held', '*', '', '', '', '', '{"by":"ana","reason":"stock-taking"}', 'deac1fd9446a0a22901f3dbda95b4ac1d2e186dad4ea70710a2a7c443bf1e17f', 'f770fc43dcb2a96dc05920cfdb7a14a06a7065cebbaec4a8d6c60d53875a63b7');
INSERT INTO public.events VALUES (28, 'run-1', 13, '2026-11-23 12:00:00+00', 'run_ended', 'run-1', '', '', '', '', '{"done":1}', '7cf235f95c8e112c78b9970f7e95b516feb1a3131dcbab252fbf9d003326a1c5', 'b2c452bc30c121bccfef92f1bfe6c3e3c2ec4e09ae5f6de02f5ea0f232b935de');
INSERT INTO public.events VALUES (29, 'run-2', 1, '2026-11-23 12:00:00+00', 'run_began', 'run-2', '', '', '', '', '{"step":"verify"}', '', '25405d9c7daa5e941b4a3f2ca32329f2a3d02a14a79a6ba989881c899efa5024');
INSERT INTO public.heads VALUES ('r', 10, 'dc9372cc5cadb12f7f81d08d356306dd13d4b2b969e3af07cf3a8982b4b07105');
INSERT INTO public.heads VALUES ('', 5, 'f770fc43dcb2a96dc05920cfdb7a14a06a7065cebbaec4a8d6c60d53875a63b7');
INSERT INTO public.heads VALUES ('run-1', 13, 'b2c452bc30c121bccfef92f1bfe6c3e3c2ec4e09ae5f6de02f5ea0f232b935de');
INSERT INTO public.heads VALUES ('run-2', 1, '25405d9c7daa5e941b4a3f2ca32329f2a3d02a14a79a6ba989881c899efa5024');
INSERT INTO public.holds VALUES (1, '11111111-0000-4000-8000-000000000001', 'customer asked', 'ana', '2026-11-23 12:00:00+00', 'ana', '2026-11-23 12:00:00+00');
INSERT INTO public.holds VALUES (2, '*', 'stock-taking', 'ana', '2026-11-23 12:00:00+00', '', NULL);
INSERT INTO public.leases VALUES ('11111111-0000-4000-8000-000000000001', '', 1, '2026-11-23 12:00:00+00', '2026-11-23 12:00:00+00');
INSERT INTO public.letters VALUES ('11111111-0000-4000-8000-000000000001', 'invitation', '1', 'es', 'a.eml', 'run-1', '2026-11-23 12:00:00+00', '2026-11-23 12:00:00+00');
INSERT INTO public.meta VALUES ('installation', 'b6dcb606-fe02-4838-a370-b6a857044935');
INSERT INTO public.meta VALUES ('version', '3');
INSERT INTO public.move_originals VALUES ('mv-1', 's1', 'rehearsal:00000000-0000-4000-8000-000000000001', '11111111-0000-4000-8000-000000000001', 1, 'verified');
INSERT INTO public.move_originals VALUES ('mv-1', 's0', 'rehearsal:00000000-0000-4000-8000-000000000001', '11111111-0000-4000-8000-000000000001', 1, 'verified');
INSERT INTO public.move_originals VALUES ('mv-2', 's2', 'rehearsal:00000000-0000-4000-8000-000000000001', '11111111-0000-4000-8000-000000000001', 1, 'sent');
INSERT INTO public.move_originals VALUES ('mv-3', 's3', 'rehearsal:00000000-0000-4000-8000-000000000001', '11111111-0000-4000-8000-000000000001', 1, 'refused');
INSERT INTO public.move_originals VALUES ('mv-4', 's4', 'rehearsal:00000000-0000-4000-8000-000000000001', '11111111-0000-4000-8000-000000000001', 1, 'human');
INSERT INTO public.move_transitions VALUES ('planned', 'cart');
INSERT INTO public.move_transitions VALUES ('planned', 'refused');
INSERT INTO public.move_transitions VALUES ('cart', 'sent');
INSERT INTO public.move_transitions VALUES ('cart', 'planned');
INSERT INTO public.move_transitions VALUES ('sent', 'ordered');
INSERT INTO public.move_transitions VALUES ('sent', 'refused');
INSERT INTO public.move_transitions VALUES ('sent', 'human');
INSERT INTO public.move_transitions VALUES ('ordered', 'provisioned');
INSERT INTO public.move_transitions VALUES ('ordered', 'human');
INSERT INTO public.move_transitions VALUES ('provisioned', 'verified');
INSERT INTO public.move_transitions VALUES ('provisioned', 'human');
INSERT INTO public.move_transitions VALUES ('verified', 'reassigned');
INSERT INTO public.move_transitions VALUES ('verified', 'human');
INSERT INTO public.move_transitions VALUES ('refused', 'planned');
INSERT INTO public.move_transitions VALUES ('human', 'ordered');
INSERT INTO public.move_transitions VALUES ('human', 'planned');
INSERT INTO public.moves VALUES ('mv-1', 'rehearsal:00000000-0000-4000-8000-000000000001', '11111111-0000-4000-8000-000000000001', 1, 'verified', 'provisioned', '', 'p1', 'B001', 'CFQ7TTC0LH18:0001', 'old', 'new', 10, 'P1Y', 'monthly', true, true, '2026-12-31', 'cart-mv-1', NULL, NULL, 'order-mv-1', 'sub-mv-1', '2026-11-23 12:00:00+00', '2026-11-23 12:00:00+00', '2026-11-23 12:00:00+00', '2026-11-23 12:00:00+00', '2026-11-23 12:00:00+00', '2026-11-23 12:00:00+00', NULL);
INSERT INTO public.moves VALUES ('mv-2', 'rehearsal:00000000-0000-4000-8000-000000000001', '11111111-0000-4000-8000-000000000001', 1, 'sent', 'cart', '', 'p1', 'B001', 'CFQ7TTC0LH18:0001', 'old', 'new', 10, 'P1Y', 'monthly', NULL, true, NULL, 'cart-mv-2', NULL, NULL, NULL, NULL, '2026-11-23 12:00:00+00', '2026-11-23 12:00:00+00', '2026-11-23 12:00:00+00', NULL, NULL, NULL, NULL);
INSERT INTO public.moves VALUES ('mv-3', 'rehearsal:00000000-0000-4000-8000-000000000001', '11111111-0000-4000-8000-000000000001', 1, 'refused', 'planned', '', 'p1', 'B001', 'CFQ7TTC0LH18:0001', 'old', 'new', 10, 'P1Y', 'monthly', true, true, '2026-12-31', NULL, NULL, NULL, NULL, NULL, '2026-11-23 12:00:00+00', '2026-11-23 12:00:00+00', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.moves VALUES ('mv-4', 'rehearsal:00000000-0000-4000-8000-000000000001', '11111111-0000-4000-8000-000000000001', 1, 'human', 'sent', '', 'p1', 'B001', 'CFQ7TTC0LH18:0001', 'old', 'new', 10, 'P1Y', 'monthly', true, true, '2026-12-31', 'cart-mv-4', NULL, NULL, NULL, NULL, '2026-11-23 12:00:00+00', '2026-11-23 12:00:00+00', '2026-11-23 12:00:00+00', NULL, NULL, NULL, NULL);
INSERT INTO public.runs VALUES ('run-1', 'provision', 'rehearsal', 'p1', 'B001', NULL, 'ana', 'laptop', '2026-11-23 12:00:00+00', '2026-11-23 12:00:00+00', '{"done":1}', 'b2c452bc30c121bccfef92f1bfe6c3e3c2ec4e09ae5f6de02f5ea0f232b935de');
INSERT INTO public.runs VALUES ('run-2', 'verify', 'rehearsal', 'p1', 'B001', NULL, 'ana', 'laptop', '2026-11-23 12:00:00+00', NULL, '{}', '');
INSERT INTO public.step_transitions VALUES ('to_do', 'asked');
INSERT INTO public.step_transitions VALUES ('to_do', 'done');
INSERT INTO public.step_transitions VALUES ('asked', 'done');
INSERT INTO public.steps VALUES ('11111111-0000-4000-8000-000000000001', 'relationship', 'done', 'asked', '', '{}', '2026-11-23 12:00:00+00', '2026-11-23 12:00:00+00', '2026-11-23 12:00:00+00');
SELECT pg_catalog.setval('public.approvals_approval_id_seq', 1, true);
SELECT pg_catalog.setval('public.binding_one_seq', 1, false);
SELECT pg_catalog.setval('public.calls_call_id_seq', 1, true);
SELECT pg_catalog.setval('public.events_event_id_seq', 29, true);
SELECT pg_catalog.setval('public.holds_hold_id_seq', 2, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT pk_approvals PRIMARY KEY (approval_id);
ALTER TABLE ONLY public.binding
    ADD CONSTRAINT pk_binding PRIMARY KEY (one);
ALTER TABLE ONLY public.calls
    ADD CONSTRAINT pk_calls PRIMARY KEY (call_id);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT pk_events PRIMARY KEY (event_id);
ALTER TABLE ONLY public.heads
    ADD CONSTRAINT pk_heads PRIMARY KEY (run_id);
ALTER TABLE ONLY public.holds
    ADD CONSTRAINT pk_holds PRIMARY KEY (hold_id);
ALTER TABLE ONLY public.leases
    ADD CONSTRAINT pk_leases PRIMARY KEY (subject);
ALTER TABLE ONLY public.letters
    ADD CONSTRAINT pk_letters PRIMARY KEY (customer_id, letter, cycle);
ALTER TABLE ONLY public.meta
    ADD CONSTRAINT pk_meta PRIMARY KEY (key);
ALTER TABLE ONLY public.move_originals
    ADD CONSTRAINT pk_move_originals PRIMARY KEY (move_id, original);
ALTER TABLE ONLY public.move_transitions
    ADD CONSTRAINT pk_move_transitions PRIMARY KEY (prev, state);
ALTER TABLE ONLY public.moves
    ADD CONSTRAINT pk_moves PRIMARY KEY (move_id);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT pk_runs PRIMARY KEY (run_id);
ALTER TABLE ONLY public.step_transitions
    ADD CONSTRAINT pk_step_transitions PRIMARY KEY (prev, state);
ALTER TABLE ONLY public.steps
    ADD CONSTRAINT pk_steps PRIMARY KEY (customer_id, step);
ALTER TABLE ONLY public.binding
    ADD CONSTRAINT uq_binding_service UNIQUE (service);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT uq_events_run_id_seq UNIQUE (run_id, seq);
ALTER TABLE ONLY public.moves
    ADD CONSTRAINT uq_moves_cart_id UNIQUE (cart_id);
ALTER TABLE ONLY public.moves
    ADD CONSTRAINT uq_moves_move_id_state UNIQUE (move_id, state);
ALTER TABLE ONLY public.moves
    ADD CONSTRAINT uq_moves_order_id UNIQUE (order_id);
CREATE INDEX ix_approvals_plan_hash ON public.approvals USING btree (plan_hash);
CREATE INDEX ix_calls_subject ON public.calls USING btree (subject, verb);
CREATE INDEX ix_events_subject ON public.events USING btree (subject);
CREATE INDEX ix_moves_customer_id ON public.moves USING btree (customer_id);
CREATE UNIQUE INDEX one_hold ON public.holds USING btree (customer_id) WHERE (released_at IS NULL);
CREATE UNIQUE INDEX one_order ON public.move_originals USING btree (service, customer_id, original, part) WHERE (state <> 'refused'::text);
CREATE TRIGGER approvals_delete BEFORE DELETE ON public.approvals FOR EACH ROW EXECUTE FUNCTION public.approvals_delete_rule();
CREATE TRIGGER approvals_update BEFORE UPDATE ON public.approvals FOR EACH ROW EXECUTE FUNCTION public.approvals_update_rule();
CREATE TRIGGER binding_delete BEFORE DELETE ON public.binding FOR EACH ROW EXECUTE FUNCTION public.binding_delete_rule();
CREATE TRIGGER binding_update BEFORE UPDATE ON public.binding FOR EACH ROW EXECUTE FUNCTION public.binding_update_rule();
CREATE TRIGGER calls_delete BEFORE DELETE ON public.calls FOR EACH ROW EXECUTE FUNCTION public.calls_delete_rule();
CREATE TRIGGER calls_update BEFORE UPDATE ON public.calls FOR EACH ROW EXECUTE FUNCTION public.calls_update_rule();
CREATE TRIGGER events_delete BEFORE DELETE ON public.events FOR EACH ROW EXECUTE FUNCTION public.events_delete_rule();
CREATE TRIGGER events_update BEFORE UPDATE ON public.events FOR EACH ROW EXECUTE FUNCTION public.events_update_rule();
CREATE TRIGGER heads_delete BEFORE DELETE ON public.heads FOR EACH ROW EXECUTE FUNCTION public.heads_delete_rule();
CREATE TRIGGER heads_update BEFORE UPDATE ON public.heads FOR EACH ROW EXECUTE FUNCTION public.heads_update_rule();
CREATE TRIGGER holds_delete BEFORE DELETE ON public.holds FOR EACH ROW EXECUTE FUNCTION public.holds_delete_rule();
CREATE TRIGGER holds_update BEFORE UPDATE ON public.holds FOR EACH ROW EXECUTE FUNCTION public.holds_update_rule();
CREATE TRIGGER leases_delete BEFORE DELETE ON public.leases FOR EACH ROW EXECUTE FUNCTION public.leases_delete_rule();
CREATE TRIGGER leases_update BEFORE UPDATE ON public.leases FOR EACH ROW EXECUTE FUNCTION public.leases_update_rule();
CREATE TRIGGER letters_delete BEFORE DELETE ON public.letters FOR EACH ROW EXECUTE FUNCTION public.letters_delete_rule();
CREATE TRIGGER letters_update BEFORE UPDATE ON public.letters FOR EACH ROW EXECUTE FUNCTION public.letters_update_rule();
CREATE TRIGGER move_originals_delete BEFORE DELETE ON public.move_originals FOR EACH ROW EXECUTE FUNCTION public.move_originals_delete_rule();
CREATE TRIGGER move_transitions_delete BEFORE DELETE ON public.move_transitions FOR EACH ROW EXECUTE FUNCTION public.move_transitions_delete_rule();
CREATE TRIGGER moves_delete BEFORE DELETE ON public.moves FOR EACH ROW EXECUTE FUNCTION public.moves_delete_rule();
CREATE TRIGGER moves_update BEFORE UPDATE ON public.moves FOR EACH ROW EXECUTE FUNCTION public.moves_update_rule();
CREATE TRIGGER runs_delete BEFORE DELETE ON public.runs FOR EACH ROW EXECUTE FUNCTION public.runs_delete_rule();
CREATE TRIGGER step_transitions_delete BEFORE DELETE ON public.step_transitions FOR EACH ROW EXECUTE FUNCTION public.step_transitions_delete_rule();
CREATE TRIGGER steps_delete BEFORE DELETE ON public.steps FOR EACH ROW EXECUTE FUNCTION public.steps_delete_rule();
CREATE TRIGGER steps_update BEFORE UPDATE ON public.steps FOR EACH ROW EXECUTE FUNCTION public.steps_update_rule();
ALTER TABLE ONLY public.move_originals
    ADD CONSTRAINT fk_move_originals_service FOREIGN KEY (service) REFERENCES public.binding(service);
ALTER TABLE ONLY public.moves
    ADD CONSTRAINT fk_moves_service FOREIGN KEY (service) REFERENCES public.binding(service);
ALTER TABLE ONLY public.move_originals
    ADD CONSTRAINT of_move FOREIGN KEY (move_id, state) REFERENCES public.moves(move_id, state) ON UPDATE CASCADE;
ALTER TABLE ONLY public.moves
    ADD CONSTRAINT transition FOREIGN KEY (prev, state) REFERENCES public.move_transitions(prev, state);
ALTER TABLE ONLY public.steps
    ADD CONSTRAINT transition FOREIGN KEY (prev, state) REFERENCES public.step_transitions(prev, state);
