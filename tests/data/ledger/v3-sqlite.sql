BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE approvals (
	approval_id INTEGER NOT NULL, 
	plan_hash TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	made_by TEXT DEFAULT '' NOT NULL, 
	plan_path TEXT DEFAULT '' NOT NULL, 
	approved_at DATETIME NOT NULL, os_user TEXT DEFAULT '' NOT NULL, host TEXT DEFAULT '' NOT NULL, covers_until DATE, margins BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_approvals PRIMARY KEY (approval_id)
);
INSERT INTO "approvals" VALUES(1,'p1','berta','ana','plan.json','2026-11-23 12:00:00.000000','','',NULL,0);
CREATE TABLE binding (
	one INTEGER NOT NULL CONSTRAINT ck_binding_single CHECK (one = 1), 
	service TEXT NOT NULL, 
	bound_at DATETIME NOT NULL, 
	CONSTRAINT pk_binding PRIMARY KEY (one), 
	CONSTRAINT uq_binding_service UNIQUE (service)
);
INSERT INTO "binding" VALUES(1,'rehearsal:00000000-0000-4000-8000-000000000001','2026-11-23 12:00:00.000000');
CREATE TABLE calls (
	call_id INTEGER NOT NULL, 
	subject TEXT NOT NULL, 
	customer_id TEXT NOT NULL, 
	verb TEXT NOT NULL, 
	grp INTEGER NOT NULL, 
	request_id TEXT NOT NULL, 
	path TEXT NOT NULL, 
	body_hash TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	sent_at DATETIME NOT NULL, 
	outcome TEXT CONSTRAINT ck_calls_word CHECK (outcome IN ('done', 'refused', 'unclear', 'unsent')), 
	status INTEGER, 
	code TEXT, 
	detail TEXT DEFAULT '' NOT NULL, 
	answered_at DATETIME, 
	CONSTRAINT pk_calls PRIMARY KEY (call_id), 
	CONSTRAINT ck_calls_answered CHECK ((outcome IS NULL) = (answered_at IS NULL))
);
INSERT INTO "calls" VALUES(1,'mv-2','11111111-0000-4000-8000-000000000001','checkout cart-mv-2',1,'ca1aa556-d61c-5354-8913-41e073f992db','/carts/cart-mv-2/checkout','e3be9f6f3f1e361c092b296c577ea4aa8253dd4c2767ac7cbe3e7b3c9d4a73cc','run-1','2026-11-23 12:00:00.000000','unclear',500,NULL,'lost','2026-11-23 12:00:00.000000');
CREATE TABLE events (
	event_id INTEGER NOT NULL, 
	run_id TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	kind TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	customer_id TEXT DEFAULT '' NOT NULL, 
	"before" TEXT DEFAULT '' NOT NULL, 
	"after" TEXT DEFAULT '' NOT NULL, 
	request_id TEXT DEFAULT '' NOT NULL, 
	detail TEXT DEFAULT '{}' NOT NULL, 
	prev_hash TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	CONSTRAINT pk_events PRIMARY KEY (event_id), 
	CONSTRAINT uq_events_run_id_seq UNIQUE (run_id, seq)
);
INSERT INTO "events" VALUES(1,'',1,'2026-11-23 12:00:00.000000','bound','rehearsal:00000000-0000-4000-8000-000000000001','','','','','{}','','50e774b6a4e3bed07d904e664dda35a557daeeb344322b16af51c3a18306e05a');
INSERT INTO "events" VALUES(2,'',2,'2026-11-23 12:00:00.000000','approved','p1','','','','','{"by":"berta"}','50e774b6a4e3bed07d904e664dda35a557daeeb344322b16af51c3a18306e05a','ad5bc0d44e7cd563ee8c18333449847f05e9d12dd83891f4004da43e2609d211');
INSERT INTO "events" VALUES(3,'run-1',1,'2026-11-23 12:00:00.000000','run_began','run-1','','','','','{"step":"provision"}','','33ec8bafa1822413c88f58fd30336dda63b24e12ce77c73fd71dbb49ad3be172');
INSERT INTO "events" VALUES(4,'run-1',2,'2026-11-23 12:00:00.000000','claimed','mv-1','11111111-0000-4000-8000-000000000001','','planned','','{"auto_renew":true,"batch":"B001","billing_cycle":"monthly","expires_on":"2026-12-31","originals":["s1","s0"],"plan_hash":"p1","same_offer":true,"seats":10,"sku_id":"old","target_offer":"CFQ7TTC0LH18:0001","target_sku_id":"new","term":"P1Y"}','33ec8bafa1822413c88f58fd30336dda63b24e12ce77c73fd71dbb49ad3be172','ee1b6053eb05f34f586cbe88d631eee4a06ef486382503cedc8cb56534ccec6f');
INSERT INTO "events" VALUES(5,'r',1,'2026-11-23 12:00:00.000000','state','mv-1','11111111-0000-4000-8000-000000000001','planned','cart','','{"cart_id":"cart-mv-1","reason":""}','','5c64fda4f3f0d749b31de8ab47b6eb6f69da387cd740879f9335cd38b759cf6c');
INSERT INTO "events" VALUES(6,'r',2,'2026-11-23 12:00:00.000000','state','mv-1','11111111-0000-4000-8000-000000000001','cart','sent','','{"reason":"","sent_at":"2026-11-23 12:00:00+00:00"}','5c64fda4f3f0d749b31de8ab47b6eb6f69da387cd740879f9335cd38b759cf6c','ab653973d99cf2bbccc4982b4d9b0477b66cd45d6a7e5b89b230c713c0452073');
INSERT INTO "events" VALUES(7,'r',3,'2026-11-23 12:00:00.000000','state','mv-1','11111111-0000-4000-8000-000000000001','sent','ordered','','{"order_id":"order-mv-1","reason":""}','ab653973d99cf2bbccc4982b4d9b0477b66cd45d6a7e5b89b230c713c0452073','36b668d14e98e1e9a9b22dc8073a9f956e0e8d7c365f003a2c8e07fe96e6c6f1');
INSERT INTO "events" VALUES(8,'r',4,'2026-11-23 12:00:00.000000','state','mv-1','11111111-0000-4000-8000-000000000001','ordered','provisioned','','{"reason":"","subscription_id":"sub-mv-1"}','36b668d14e98e1e9a9b22dc8073a9f956e0e8d7c365f003a2c8e07fe96e6c6f1','bfe61f6c04fe89901baae5dcdc3c407d059cccd4982f119aefc556bc044c17d9');
INSERT INTO "events" VALUES(9,'r',5,'2026-11-23 12:00:00.000000','state','mv-1','11111111-0000-4000-8000-000000000001','provisioned','verified','','{"reason":""}','bfe61f6c04fe89901baae5dcdc3c407d059cccd4982f119aefc556bc044c17d9','14cf6b5fbc20f38c0e5f1f0bcc89599853235b109412f6e18d30291f58166c7d');
INSERT INTO "events" VALUES(10,'run-1',3,'2026-11-23 12:00:00.000000','claimed','mv-2','11111111-0000-4000-8000-000000000001','','planned','','{"auto_renew":null,"batch":"B001","billing_cycle":"monthly","expires_on":null,"originals":["s2"],"plan_hash":"p1","same_offer":true,"seats":10,"sku_id":"old","target_offer":"CFQ7TTC0LH18:0001","target_sku_id":"new","term":"P1Y"}','ee1b6053eb05f34f586cbe88d631eee4a06ef486382503cedc8cb56534ccec6f','ad7de52de8e37d7e347525f6f11928fff0cb5bf5c4988f4d041bf41b80b52761');
INSERT INTO "events" VALUES(11,'r',6,'2026-11-23 12:00:00.000000','state','mv-2','11111111-0000-4000-8000-000000000001','planned','cart','','{"cart_id":"cart-mv-2","reason":""}','14cf6b5fbc20f38c0e5f1f0bcc89599853235b109412f6e18d30291f58166c7d','0b4f82e8c75336233157dddd19558498d56af4827a11d9a2a691e0f78aa20f3f');
INSERT INTO "events" VALUES(12,'run-1',4,'2026-11-23 12:00:00.000000','state','mv-2','11111111-0000-4000-8000-000000000001','cart','sent','','{"reason":"","sent_at":"2026-11-23 12:00:00+00:00"}','ad7de52de8e37d7e347525f6f11928fff0cb5bf5c4988f4d041bf41b80b52761','5b094242ca5ff1ec57b954890ed64e2fef35e9c7c6a2d0e2f962e1347c3ce5bb');
INSERT INTO "events" VALUES(13,'run-1',5,'2026-11-23 12:00:00.000000','intent','mv-2','11111111-0000-4000-8000-000000000001','','','ca1aa556-d61c-5354-8913-41e073f992db','{"body_hash":"e3be9f6f3f1e361c092b296c577ea4aa8253dd4c2767ac7cbe3e7b3c9d4a73cc","path":"/carts/cart-mv-2/checkout","verb":"checkout cart-mv-2"}','5b094242ca5ff1ec57b954890ed64e2fef35e9c7c6a2d0e2f962e1347c3ce5bb','c6df8bc2a7cbe857b24a35a653a31c2ec99a0a9452a045dfc7cac75f7cfd9422');
INSERT INTO "events" VALUES(14,'run-1',6,'2026-11-23 12:00:00.000000','outcome','mv-2','11111111-0000-4000-8000-000000000001','','','ca1aa556-d61c-5354-8913-41e073f992db','{"code":null,"detail":"lost","outcome":"unclear","status":500,"verb":"checkout cart-mv-2"}','c6df8bc2a7cbe857b24a35a653a31c2ec99a0a9452a045dfc7cac75f7cfd9422','8b7ad4110058b17aa5eee8c101175f542b3b6c59bda1108a444e3855098d958b');
INSERT INTO "events" VALUES(15,'run-1',7,'2026-11-23 12:00:00.000000','claimed','mv-3','11111111-0000-4000-8000-000000000001','','planned','','{"auto_renew":true,"batch":"B001","billing_cycle":"monthly","expires_on":"2026-12-31","originals":["s3"],"plan_hash":"p1","same_offer":true,"seats":10,"sku_id":"old","target_offer":"CFQ7TTC0LH18:0001","target_sku_id":"new","term":"P1Y"}','8b7ad4110058b17aa5eee8c101175f542b3b6c59bda1108a444e3855098d958b','aff7965a18247beb66c3a6e30461a0ab249b96368220d9d7962195d9748d0fb6');
INSERT INTO "events" VALUES(16,'r',7,'2026-11-23 12:00:00.000000','state','mv-3','11111111-0000-4000-8000-000000000001','planned','refused','','{"reason":""}','0b4f82e8c75336233157dddd19558498d56af4827a11d9a2a691e0f78aa20f3f','cb4a6efa2d10f7f44427189307f51b16bd032f66251ef959df85b202b153acaf');
INSERT INTO "events" VALUES(17,'run-1',8,'2026-11-23 12:00:00.000000','claimed','mv-4','11111111-0000-4000-8000-000000000001','','planned','','{"auto_renew":true,"batch":"B001","billing_cycle":"monthly","expires_on":"2026-12-31","originals":["s4"],"plan_hash":"p1","same_offer":true,"seats":10,"sku_id":"old","target_offer":"CFQ7TTC0LH18:0001","target_sku_id":"new","term":"P1Y"}','aff7965a18247beb66c3a6e30461a0ab249b96368220d9d7962195d9748d0fb6','79b890d2b98d294287cbbf753f9f513281273f9d118e9408cda08c816042b7b7');
INSERT INTO "events" VALUES(18,'r',8,'2026-11-23 12:00:00.000000','state','mv-4','11111111-0000-4000-8000-000000000001','planned','cart','','{"cart_id":"cart-mv-4","reason":""}','cb4a6efa2d10f7f44427189307f51b16bd032f66251ef959df85b202b153acaf','8839a6b51e20d7703cd390c757297fcfdd8c6b9a04c844db7434a88e3ae5fb0c');
INSERT INTO "events" VALUES(19,'r',9,'2026-11-23 12:00:00.000000','state','mv-4','11111111-0000-4000-8000-000000000001','cart','sent','','{"reason":"","sent_at":"2026-11-23 12:00:00+00:00"}','8839a6b51e20d7703cd390c757297fcfdd8c6b9a04c844db7434a88e3ae5fb0c','a6dc9d9f902752bc2d6a37b8f957687d10fce0be38bfa7928acecec232565ce1');
INSERT INTO "events" VALUES(20,'r',10,'2026-11-23 12:00:00.000000','state','mv-4','11111111-0000-4000-8000-000000000001','sent','human','','{"reason":""}','a6dc9d9f902752bc2d6a37b8f957687d10fce0be38bfa7928acecec232565ce1','dc9372cc5cadb12f7f81d08d356306dd13d4b2b969e3af07cf3a8982b4b07105');
INSERT INTO "events" VALUES(21,'run-1',9,'2026-11-23 12:00:00.000000','step','relationship','11111111-0000-4000-8000-000000000001','to_do','asked','','{"reason":"invited"}','79b890d2b98d294287cbbf753f9f513281273f9d118e9408cda08c816042b7b7','0dd8359543b47496d38dd8859d25007fcfefabd88fafa2f309b472d84da457ee');
INSERT INTO "events" VALUES(22,'run-1',10,'2026-11-23 12:00:00.000000','step','relationship','11111111-0000-4000-8000-000000000001','asked','done','','{"reason":""}','0dd8359543b47496d38dd8859d25007fcfefabd88fafa2f309b472d84da457ee','326b048baca1a58941995be2abf260a9c9ebc149ee411ee6dac940a06787dbbb');
INSERT INTO "events" VALUES(23,'run-1',11,'2026-11-23 12:00:00.000000','letter_claimed','invitation','11111111-0000-4000-8000-000000000001','','','','{"file":"a.eml"}','326b048baca1a58941995be2abf260a9c9ebc149ee411ee6dac940a06787dbbb','3be6baa1719c9f5a5bd438e9ea49f5b38c89ae14e9cca75ea787802836c9530c');
INSERT INTO "events" VALUES(24,'run-1',12,'2026-11-23 12:00:00.000000','letter_written','invitation','11111111-0000-4000-8000-000000000001','','','','{}','3be6baa1719c9f5a5bd438e9ea49f5b38c89ae14e9cca75ea787802836c9530c','7cf235f95c8e112c78b9970f7e95b516feb1a3131dcbab252fbf9d003326a1c5');
INSERT INTO "events" VALUES(25,'',3,'2026-11-23 12:00:00.000000','held','11111111-0000-4000-8000-000000000001','','','','','{"by":"ana","reason":"customer asked"}','ad5bc0d44e7cd563ee8c18333449847f05e9d12dd83891f4004da43e2609d211','fe10e0f460aad39285550fc45a9d0dc47a5ecc7fb5355ab3f1c65a19334c0298');
INSERT INTO "events" VALUES(26,'',4,'2026-11-23 12:00:00.000000','released','11111111-0000-4000-8000-000000000001','','','','','{"by":"ana"}','fe10e0f460aad39285550fc45a9d0dc47a5ecc7fb5355ab3f1c65a19334c0298','deac1fd9446a0a22901f3dbda95b4ac1d2e186dad4ea70710a2a7c443bf1e17f');
INSERT INTO "events" VALUES(27,'',5,'2026-11-23 12:00:00.000000','held','*','','','','','{"by":"ana","reason":"stock-taking"}','deac1fd9446a0a22901f3dbda95b4ac1d2e186dad4ea70710a2a7c443bf1e17f','f770fc43dcb2a96dc05920cfdb7a14a06a7065cebbaec4a8d6c60d53875a63b7');
INSERT INTO "events" VALUES(28,'run-1',13,'2026-11-23 12:00:00.000000','run_ended','run-1','','','','','{"done":1}','7cf235f95c8e112c78b9970f7e95b516feb1a3131dcbab252fbf9d003326a1c5','b2c452bc30c121bccfef92f1bfe6c3e3c2ec4e09ae5f6de02f5ea0f232b935de');
INSERT INTO "events" VALUES(29,'run-2',1,'2026-11-23 12:00:00.000000','run_began','run-2','','','','','{"step":"verify"}','','25405d9c7daa5e941b4a3f2ca32329f2a3d02a14a79a6ba989881c899efa5024');
CREATE TABLE heads (
	run_id TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	hash TEXT NOT NULL, 
	CONSTRAINT pk_heads PRIMARY KEY (run_id)
);
INSERT INTO "heads" VALUES('r',10,'dc9372cc5cadb12f7f81d08d356306dd13d4b2b969e3af07cf3a8982b4b07105');
INSERT INTO "heads" VALUES('',5,'f770fc43dcb2a96dc05920cfdb7a14a06a7065cebbaec4a8d6c60d53875a63b7');
INSERT INTO "heads" VALUES('run-1',13,'b2c452bc30c121bccfef92f1bfe6c3e3c2ec4e09ae5f6de02f5ea0f232b935de');
INSERT INTO "heads" VALUES('run-2',1,'25405d9c7daa5e941b4a3f2ca32329f2a3d02a14a79a6ba989881c899efa5024');
CREATE TABLE holds (
	hold_id INTEGER NOT NULL, 
	customer_id TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	held_at DATETIME NOT NULL, 
	released_by TEXT DEFAULT '' NOT NULL, 
	released_at DATETIME, 
	CONSTRAINT pk_holds PRIMARY KEY (hold_id)
);
INSERT INTO "holds" VALUES(1,'11111111-0000-4000-8000-000000000001','customer asked','ana','2026-11-23 12:00:00.000000','ana','2026-11-23 12:00:00.000000');
INSERT INTO "holds" VALUES(2,'*','stock-taking','ana','2026-11-23 12:00:00.000000','',NULL);
CREATE TABLE leases (
	subject TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	fence INTEGER NOT NULL, 
	since DATETIME NOT NULL, 
	until DATETIME NOT NULL, 
	CONSTRAINT pk_leases PRIMARY KEY (subject)
);
INSERT INTO "leases" VALUES('11111111-0000-4000-8000-000000000001','',1,'2026-11-23 12:00:00.000000','2026-11-23 12:00:00.000000');
CREATE TABLE letters (
	customer_id TEXT NOT NULL, 
	letter TEXT NOT NULL, 
	cycle TEXT NOT NULL, 
	language TEXT NOT NULL, 
	file TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	claimed_at DATETIME NOT NULL, 
	written_at DATETIME, 
	CONSTRAINT pk_letters PRIMARY KEY (customer_id, letter, cycle)
);
INSERT INTO "letters" VALUES('11111111-0000-4000-8000-000000000001','invitation','1','es','a.eml','run-1','2026-11-23 12:00:00.000000','2026-11-23 12:00:00.000000');
CREATE TABLE meta (
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_meta PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('version','3');
INSERT INTO "meta" VALUES('installation','c3d08198-6773-4795-b1b7-d7b73a4b41cb');
CREATE TABLE move_originals (
	move_id TEXT NOT NULL, 
	original TEXT NOT NULL, 
	service TEXT NOT NULL, 
	customer_id TEXT NOT NULL, 
	part INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	CONSTRAINT pk_move_originals PRIMARY KEY (move_id, original), 
	CONSTRAINT of_move FOREIGN KEY(move_id, state) REFERENCES moves (move_id, state) ON UPDATE CASCADE, 
	CONSTRAINT fk_move_originals_service FOREIGN KEY(service) REFERENCES binding (service)
);
INSERT INTO "move_originals" VALUES('mv-1','s1','rehearsal:00000000-0000-4000-8000-000000000001','11111111-0000-4000-8000-000000000001',1,'verified');
INSERT INTO "move_originals" VALUES('mv-1','s0','rehearsal:00000000-0000-4000-8000-000000000001','11111111-0000-4000-8000-000000000001',1,'verified');
INSERT INTO "move_originals" VALUES('mv-2','s2','rehearsal:00000000-0000-4000-8000-000000000001','11111111-0000-4000-8000-000000000001',1,'sent');
INSERT INTO "move_originals" VALUES('mv-3','s3','rehearsal:00000000-0000-4000-8000-000000000001','11111111-0000-4000-8000-000000000001',1,'refused');
INSERT INTO "move_originals" VALUES('mv-4','s4','rehearsal:00000000-0000-4000-8000-000000000001','11111111-0000-4000-8000-000000000001',1,'human');
CREATE TABLE move_transitions (
	prev TEXT NOT NULL, 
	state TEXT NOT NULL, 
	CONSTRAINT pk_move_transitions PRIMARY KEY (prev, state)
);
INSERT INTO "move_transitions" VALUES('planned','cart');
INSERT INTO "move_transitions" VALUES('planned','refused');
INSERT INTO "move_transitions" VALUES('cart','sent');
INSERT INTO "move_transitions" VALUES('cart','planned');
INSERT INTO "move_transitions" VALUES('sent','ordered');
INSERT INTO "move_transitions" VALUES('sent','refused');
INSERT INTO "move_transitions" VALUES('sent','human');
INSERT INTO "move_transitions" VALUES('ordered','provisioned');
INSERT INTO "move_transitions" VALUES('ordered','human');
INSERT INTO "move_transitions" VALUES('provisioned','verified');
INSERT INTO "move_transitions" VALUES('provisioned','human');
INSERT INTO "move_transitions" VALUES('verified','reassigned');
INSERT INTO "move_transitions" VALUES('verified','human');
INSERT INTO "move_transitions" VALUES('refused','planned');
INSERT INTO "move_transitions" VALUES('human','ordered');
INSERT INTO "move_transitions" VALUES('human','planned');
CREATE TABLE moves (
	move_id TEXT NOT NULL, 
	service TEXT NOT NULL, 
	customer_id TEXT NOT NULL, 
	part INTEGER NOT NULL, 
	state TEXT DEFAULT 'planned' NOT NULL, 
	prev TEXT, 
	reason TEXT DEFAULT '' NOT NULL, 
	plan_hash TEXT NOT NULL, 
	batch TEXT NOT NULL, 
	target_offer TEXT NOT NULL, 
	sku_id TEXT DEFAULT '' NOT NULL, 
	target_sku_id TEXT DEFAULT '' NOT NULL, 
	seats INTEGER NOT NULL, 
	term TEXT NOT NULL, 
	billing_cycle TEXT NOT NULL, 
	auto_renew BOOLEAN, 
	same_offer BOOLEAN NOT NULL, 
	expires_on DATE, 
	cart_id TEXT, 
	cart_made_at DATETIME, 
	cart_expires_at DATETIME, 
	order_id TEXT, 
	subscription_id TEXT, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	sent_at DATETIME, 
	ordered_at DATETIME, 
	provisioned_at DATETIME, 
	verified_at DATETIME, 
	reassigned_at DATETIME, 
	CONSTRAINT pk_moves PRIMARY KEY (move_id), 
	CONSTRAINT uq_moves_move_id_state UNIQUE (move_id, state), 
	CONSTRAINT transition FOREIGN KEY(prev, state) REFERENCES move_transitions (prev, state), 
	CONSTRAINT ck_moves_begins_planned CHECK (prev IS NOT NULL OR state = 'planned'), 
	CONSTRAINT ck_moves_seats CHECK (seats > 0), 
	CONSTRAINT ck_moves_cart_known CHECK (state NOT IN ('cart', 'sent') OR cart_id IS NOT NULL), 
	CONSTRAINT ck_moves_sent_known CHECK (state <> 'sent' OR sent_at IS NOT NULL), 
	CONSTRAINT ck_moves_order_known CHECK (state NOT IN ('ordered', 'provisioned', 'verified', 'reassigned') OR order_id IS NOT NULL), 
	CONSTRAINT ck_moves_subscription_known CHECK (state NOT IN ('provisioned', 'verified', 'reassigned') OR subscription_id IS NOT NULL), 
	CONSTRAINT ck_moves_verified_first CHECK (state NOT IN ('verified', 'reassigned') OR verified_at IS NOT NULL), 
	CONSTRAINT fk_moves_service FOREIGN KEY(service) REFERENCES binding (service), 
	CONSTRAINT uq_moves_cart_id UNIQUE (cart_id), 
	CONSTRAINT uq_moves_order_id UNIQUE (order_id)
);
INSERT INTO "moves" VALUES('mv-1','rehearsal:00000000-0000-4000-8000-000000000001','11111111-0000-4000-8000-000000000001',1,'verified','provisioned','','p1','B001','CFQ7TTC0LH18:0001','old','new',10,'P1Y','monthly',1,1,'2026-12-31','cart-mv-1',NULL,NULL,'order-mv-1','sub-mv-1','2026-11-23 12:00:00.000000','2026-11-23 12:00:00.000000','2026-11-23 12:00:00.000000','2026-11-23 12:00:00.000000','2026-11-23 12:00:00.000000','2026-11-23 12:00:00.000000',NULL);
INSERT INTO "moves" VALUES('mv-2','rehearsal:00000000-0000-4000-8000-000000000001','11111111-0000-4000-8000-000000000001',1,'sent','cart','','p1','B001','CFQ7TTC0LH18:0001','old','new',10,'P1Y','monthly',NULL,1,NULL,'cart-mv-2',NULL,NULL,NULL,NULL,'2026-11-23 12:00:00.000000','2026-11-23 12:00:00.000000','2026-11-23 12:00:00.000000',NULL,NULL,NULL,NULL);
INSERT INTO "moves" VALUES('mv-3','rehearsal:00000000-0000-4000-8000-000000000001','11111111-0000-4000-8000-000000000001',1,'refused','planned','','p1','B001','CFQ7TTC0LH18:0001','old','new',10,'P1Y','monthly',1,1,'2026-12-31',NULL,NULL,NULL,NULL,NULL,'2026-11-23 12:00:00.000000','2026-11-23 12:00:00.000000',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "moves" VALUES('mv-4','rehearsal:00000000-0000-4000-8000-000000000001','11111111-0000-4000-8000-000000000001',1,'human','sent','','p1','B001','CFQ7TTC0LH18:0001','old','new',10,'P1Y','monthly',1,1,'2026-12-31','cart-mv-4',NULL,NULL,NULL,NULL,'2026-11-23 12:00:00.000000','2026-11-23 12:00:00.000000','2026-11-23 12:00:00.000000',NULL,NULL,NULL,NULL);
CREATE TABLE runs (
	run_id TEXT NOT NULL, 
	step TEXT NOT NULL, 
	mode TEXT NOT NULL, 
	plan_hash TEXT NOT NULL, 
	batch TEXT DEFAULT '' NOT NULL, 
	due DATE, 
	"by" TEXT NOT NULL, 
	host TEXT NOT NULL, 
	started_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	counts TEXT DEFAULT '{}' NOT NULL, 
	chain_head TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_runs PRIMARY KEY (run_id)
);
INSERT INTO "runs" VALUES('run-1','provision','rehearsal','p1','B001',NULL,'ana','laptop','2026-11-23 12:00:00.000000','2026-11-23 12:00:00.000000','{"done":1}','b2c452bc30c121bccfef92f1bfe6c3e3c2ec4e09ae5f6de02f5ea0f232b935de');
INSERT INTO "runs" VALUES('run-2','verify','rehearsal','p1','B001',NULL,'ana','laptop','2026-11-23 12:00:00.000000',NULL,'{}','');
CREATE TABLE step_transitions (
	prev TEXT NOT NULL, 
	state TEXT NOT NULL, 
	CONSTRAINT pk_step_transitions PRIMARY KEY (prev, state)
);
INSERT INTO "step_transitions" VALUES('to_do','asked');
INSERT INTO "step_transitions" VALUES('to_do','done');
INSERT INTO "step_transitions" VALUES('asked','done');
CREATE TABLE steps (
	customer_id TEXT NOT NULL, 
	step TEXT NOT NULL CONSTRAINT ck_steps_word CHECK (step IN ('relationship', 'agreement', 'access')), 
	state TEXT DEFAULT 'to_do' NOT NULL, 
	prev TEXT, 
	reason TEXT DEFAULT '' NOT NULL, 
	evidence TEXT DEFAULT '{}' NOT NULL, 
	asked_at DATETIME, 
	done_at DATETIME, 
	updated_at DATETIME NOT NULL, 
	CONSTRAINT pk_steps PRIMARY KEY (customer_id, step), 
	CONSTRAINT transition FOREIGN KEY(prev, state) REFERENCES step_transitions (prev, state), 
	CONSTRAINT ck_steps_begins_to_do CHECK (prev IS NOT NULL OR state = 'to_do'), 
	CONSTRAINT ck_steps_asked_known CHECK (state <> 'asked' OR asked_at IS NOT NULL), 
	CONSTRAINT ck_steps_done_known CHECK (state <> 'done' OR done_at IS NOT NULL)
);
INSERT INTO "steps" VALUES('11111111-0000-4000-8000-000000000001','relationship','done','asked','','{}','2026-11-23 12:00:00.000000','2026-11-23 12:00:00.000000','2026-11-23 12:00:00.000000');
CREATE INDEX ix_approvals_plan_hash ON approvals (plan_hash);
CREATE INDEX ix_calls_subject ON calls (subject, verb);
CREATE UNIQUE INDEX one_hold ON holds (customer_id) WHERE released_at IS NULL;
CREATE INDEX ix_events_subject ON events (subject);
CREATE INDEX ix_moves_customer_id ON moves (customer_id);
CREATE UNIQUE INDEX one_order ON move_originals (service, customer_id, original, part) WHERE state != 'refused';
CREATE TRIGGER moves_update BEFORE UPDATE ON moves WHEN (NEW.state <> OLD.state OR COALESCE(NEW.prev, '') <> COALESCE(OLD.prev, '')) AND COALESCE(NEW.prev, '') <> OLD.state BEGIN SELECT RAISE(ABORT, 'moves: prev must be the state that was left'); END;
CREATE TRIGGER steps_update BEFORE UPDATE ON steps WHEN (NEW.state <> OLD.state OR COALESCE(NEW.prev, '') <> COALESCE(OLD.prev, '')) AND COALESCE(NEW.prev, '') <> OLD.state BEGIN SELECT RAISE(ABORT, 'steps: prev must be the state that was left'); END;
CREATE TRIGGER events_update BEFORE UPDATE ON events WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'events: is append-only'); END;
CREATE TRIGGER approvals_update BEFORE UPDATE ON approvals WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'approvals: is append-only'); END;
CREATE TRIGGER binding_update BEFORE UPDATE ON binding WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'binding: is append-only'); END;
CREATE TRIGGER calls_update BEFORE UPDATE ON calls WHEN OLD.outcome IS NOT NULL OR NEW.request_id <> OLD.request_id OR NEW.body_hash <> OLD.body_hash OR NEW.sent_at <> OLD.sent_at BEGIN SELECT RAISE(ABORT, 'calls: only an open call may get its outcome, once'); END;
CREATE TRIGGER heads_update BEFORE UPDATE ON heads WHEN NEW.seq <> OLD.seq + 1 OR NEW.run_id <> OLD.run_id BEGIN SELECT RAISE(ABORT, 'heads: a chain grows by one event'); END;
CREATE TRIGGER leases_update BEFORE UPDATE ON leases WHEN NEW.fence < OLD.fence BEGIN SELECT RAISE(ABORT, 'leases: a fence never falls'); END;
CREATE TRIGGER holds_update BEFORE UPDATE ON holds WHEN OLD.released_at IS NOT NULL BEGIN SELECT RAISE(ABORT, 'holds: a hold is released once'); END;
CREATE TRIGGER letters_update BEFORE UPDATE ON letters WHEN OLD.written_at IS NOT NULL BEGIN SELECT RAISE(ABORT, 'letters: a letter is written once'); END;
CREATE TRIGGER events_delete BEFORE DELETE ON events WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'events: nothing is deleted from the ledger'); END;
CREATE TRIGGER heads_delete BEFORE DELETE ON heads WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'heads: nothing is deleted from the ledger'); END;
CREATE TRIGGER approvals_delete BEFORE DELETE ON approvals WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'approvals: nothing is deleted from the ledger'); END;
CREATE TRIGGER binding_delete BEFORE DELETE ON binding WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'binding: nothing is deleted from the ledger'); END;
CREATE TRIGGER runs_delete BEFORE DELETE ON runs WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'runs: nothing is deleted from the ledger'); END;
CREATE TRIGGER moves_delete BEFORE DELETE ON moves WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'moves: nothing is deleted from the ledger'); END;
CREATE TRIGGER move_originals_delete BEFORE DELETE ON move_originals WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'move_originals: nothing is deleted from the ledger'); END;
CREATE TRIGGER steps_delete BEFORE DELETE ON steps WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'steps: nothing is deleted from the ledger'); END;
CREATE TRIGGER letters_delete BEFORE DELETE ON letters WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'letters: nothing is deleted from the ledger'); END;
CREATE TRIGGER calls_delete BEFORE DELETE ON calls WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'calls: nothing is deleted from the ledger'); END;
CREATE TRIGGER holds_delete BEFORE DELETE ON holds WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'holds: nothing is deleted from the ledger'); END;
CREATE TRIGGER leases_delete BEFORE DELETE ON leases WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'leases: nothing is deleted from the ledger'); END;
CREATE TRIGGER move_transitions_delete BEFORE DELETE ON move_transitions WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'move_transitions: nothing is deleted from the ledger'); END;
CREATE TRIGGER step_transitions_delete BEFORE DELETE ON step_transitions WHEN 1 = 1 BEGIN SELECT RAISE(ABORT, 'step_transitions: nothing is deleted from the ledger'); END;
COMMIT;
