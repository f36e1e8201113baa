-- Prices, loan-to-value and margin calls over time, as one SVG.
\pset format unaligned
\pset tuples_only on
with span as (
    select min(on_date) as first, max(on_date) - min(on_date) as days, max(gold) as gold_max, max(silver) as silver_max from metals.day
), place as (
    select d.*, round(60 + 1080.0 * (d.on_date - s.first) / s.days, 1) as x,
        round(240 - 200 * d.gold / s.gold_max, 1) as gold_y, round(240 - 200 * d.silver / s.silver_max, 1) as silver_y
    from metals.day as d, span as s
), month as (
    select min(p.x) as x, sum(p.called) as called, sum(p.liquidated) as liquidated
    from place as p group by date_trunc('month', p.on_date)
), most as (select max(called) as called from month)
select format($svg$<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 660" font-family="sans-serif" font-size="12">
<rect width="1200" height="660" fill="white"/>
<g stroke="#ddd">%s</g>
<text x="60" y="24" font-size="16">Loans against gold and silver: what a fall of prices does to a book</text>
<text x="60" y="44" fill="#b8860b">gold, USD an ounce, to %s</text><text x="260" y="44" fill="#708090">silver, to %s</text>
<polyline fill="none" stroke="#b8860b" points="%s"/>
<polyline fill="none" stroke="#708090" points="%s"/>
<text x="60" y="262">loan-to-value of all loans on <tspan fill="#b8860b">gold</tspan> and <tspan fill="#708090">silver</tspan>; a call at 85 and 80 %%</text>
<g stroke-dasharray="4 4"><line x1="60" x2="1140" y1="303" y2="303" stroke="#b8860b"/><line x1="60" x2="1140" y1="314" y2="314" stroke="#708090"/></g>
<text x="1145" y="305">85 %%</text><text x="1145" y="318">80 %%</text><text x="1145" y="384">50 %%</text><text x="1145" y="450">20 %%</text>
<polyline fill="none" stroke="#b8860b" points="%s"/>
<polyline fill="none" stroke="#708090" points="%s"/>
<text x="60" y="492">margin calls a month, to %s; <tspan fill="#a00">of these sold</tspan></text>
%s
%s
</svg>$svg$,
    (select string_agg(format('<line x1="%s" x2="%1$s" y1="50" y2="620"/><text x="%1$s" y="640" stroke="none" fill="#666">%s</text>', p.x, p.year), '')
        from (select min(x) as x, extract(year from on_date) as year from place group by 2) as p),
    (select round(gold_max) from span), (select round(silver_max, 1) from span),
    (select string_agg(p.x || ',' || p.gold_y, ' ' order by p.on_date) from place as p),
    (select string_agg(p.x || ',' || p.silver_y, ' ' order by p.on_date) from place as p),
    (select string_agg(p.x || ',' || round(270 + 220 * (1 - least(greatest(p.gold_ltv, 0.2), 1)), 1), ' ' order by p.on_date)
        from place as p where p.gold_ltv is not null),
    (select string_agg(p.x || ',' || round(270 + 220 * (1 - least(greatest(p.silver_ltv, 0.2), 1)), 1), ' ' order by p.on_date)
        from place as p where p.silver_ltv is not null),
    (select called from most),
    (select string_agg(format('<rect x="%s" y="%s" width="4.5" height="%s" fill="#345"/>', m.x, 620 - round(110 * m.called / k.called, 1),
        round(110 * m.called / k.called, 1)), '') from month as m, most as k where m.called > 0),
    (select string_agg(format('<rect x="%s" y="%s" width="4.5" height="%s" fill="#a00"/>', m.x, 620 - round(110 * m.liquidated / k.called, 1),
        round(110 * m.liquidated / k.called, 1)), '') from month as m, most as k where m.liquidated > 0));
