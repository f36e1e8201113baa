-- What a book has to say to begin with, in English and German. Words are changed by ending the validity of
-- a template and inserting another, and a language is added by inserting templates.

insert into @book@.notification_topic (code, channels, fields, is_mandatory, description) values
    ('payment_due', '{app,email,sms}', '{name,loan_no,amount,currency,due_on,days}', false, 'an instalment is due soon'),
    ('payment_overdue', '{app,email,sms}', '{name,loan_no,amount,currency,due_on,days}', false, 'something is overdue'),
    ('payment_received', '{app,email}', '{name,loan_no,amount,currency,on_date}', false, 'a payment was received'),
    ('loan_disbursed', '{app,email}', '{name,loan_no,amount,currency,on_date}', false, 'a loan was paid out'),
    ('application_decided', '{app,email}', '{name,application_no,outcome,reason}', false, 'an application was decided'),
    ('margin_call', '{app,email,sms}', '{name,currency,money_needed,collateral_needed,deadline}', true,
        'collateral no longer covers what is owed'),
    ('collateral_sold', '{app,email}', '{name,currency,proceeds,surplus}', true, 'collateral was sold');

insert into @book@.message_template (topic, channel, language, subject, body)
select w.topic, c.channel, w.language, case c.channel when 'sms' then '' else w.subject end,
    case when c.channel = 'email' then
        case w.language when 'de' then E'Guten Tag {{name}},\n\n' else E'Dear {{name}},\n\n' end || w.body || E'\n'
        else w.body end
from (values
    ('payment_due', 'en', 'Payment due on {{due_on}}',
        '{{amount}} {{currency}} of loan {{loan_no}} is due on {{due_on}}.'),
    ('payment_due', 'de', 'Zahlung fällig am {{due_on}}',
        'Für Ihr Darlehen {{loan_no}} sind am {{due_on}} {{amount}} {{currency}} fällig.'),
    ('payment_overdue', 'en', 'Payment overdue since {{due_on}}',
        '{{amount}} {{currency}} of loan {{loan_no}} is overdue since {{due_on}}, {{days}} days ago. Please pay, or talk to us.'),
    ('payment_overdue', 'de', 'Zahlung überfällig seit {{due_on}}',
        'Für Ihr Darlehen {{loan_no}} sind {{amount}} {{currency}} seit {{due_on}}, seit {{days}} Tagen, überfällig. Bitte zahlen Sie, oder sprechen Sie mit uns.'),
    ('payment_received', 'en', 'Payment received', 'We received {{amount}} {{currency}} for loan {{loan_no}} on {{on_date}}.'),
    ('payment_received', 'de', 'Zahlung erhalten', 'Wir haben am {{on_date}} {{amount}} {{currency}} für Ihr Darlehen {{loan_no}} erhalten.'),
    ('loan_disbursed', 'en', 'Your loan was paid out', '{{amount}} {{currency}} of loan {{loan_no}} was paid out on {{on_date}}.'),
    ('loan_disbursed', 'de', 'Ihr Darlehen wurde ausgezahlt', '{{amount}} {{currency}} Ihres Darlehens {{loan_no}} wurden am {{on_date}} ausgezahlt.'),
    ('application_decided', 'en', 'Your application {{application_no}}', 'Your application {{application_no}} was decided: {{outcome}}. {{reason}}'),
    ('application_decided', 'de', 'Ihr Antrag {{application_no}}', 'Über Ihren Antrag {{application_no}} wurde entschieden: {{outcome}}. {{reason}}'),
    ('margin_call', 'en', 'Margin call: act by {{deadline}}',
        'Your collateral no longer covers your loan. By {{deadline}} please pay {{money_needed}} {{currency}}, or pledge collateral worth {{collateral_needed}} {{currency}} after haircuts. Otherwise it may be sold.'),
    ('margin_call', 'de', 'Nachschuss bis {{deadline}}',
        'Ihre Sicherheiten decken Ihr Darlehen nicht mehr. Bitte zahlen Sie bis {{deadline}} {{money_needed}} {{currency}}, oder stellen Sie Sicherheiten im Wert von {{collateral_needed}} {{currency}} nach Abschlägen. Andernfalls können sie verkauft werden.'),
    ('collateral_sold', 'en', 'Your collateral was sold',
        'Your collateral was sold for {{proceeds}} {{currency}}. {{surplus}} {{currency}} of it is yours.'),
    ('collateral_sold', 'de', 'Ihre Sicherheiten wurden verkauft',
        'Ihre Sicherheiten wurden für {{proceeds}} {{currency}} verkauft. Davon stehen Ihnen {{surplus}} {{currency}} zu.')
) as w (topic, language, subject, body)
join @book@.notification_topic as t on t.code = w.topic
cross join unnest(t.channels) as c (channel);

insert into @book@.reminder_rule (days_from_due, topic, description) values
    (-3, 'payment_due', 'three days before'),
    (-1, 'payment_due', 'tomorrow'),
    (1, 'payment_overdue', 'the day after'),
    (7, 'payment_overdue', 'a week late'),
    (14, 'payment_overdue', 'two weeks late'),
    (30, 'payment_overdue', 'a month late'),
    (60, 'payment_overdue', 'two months late'),
    (90, 'payment_overdue', 'three months late');

